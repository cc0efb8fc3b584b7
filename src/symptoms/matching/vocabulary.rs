//! What words are to the matcher, whatever the catalogue says: general knowledge about four languages and about what
//! help desks write. Lists are written plainly and folded when they are first asked for.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::fold::squeezed;

/// Words of alphabets, and parts of Chinese and Japanese.
pub(super) struct Words {
    latin: HashSet<String>,
    cjk: Vec<String>,
}

impl Words {
    fn new(list: &str) -> Self {
        let mut words = Self { latin: HashSet::new(), cjk: Vec::new() };
        for word in list.split_whitespace().map(squeezed) {
            if word.chars().any(super::token::is_cjk) {
                words.cjk.push(word);
            } else {
                words.latin.insert(word);
            }
        }
        // The longest first, so that what is taken off leaves no halves.
        words.cjk.sort_by_key(|word| std::cmp::Reverse(word.len()));
        words
    }

    /// Whether a folded word of an alphabet is one of them.
    pub(super) fn has(&self, word: &str) -> bool {
        self.latin.contains(word)
    }

    /// The words of alphabets.
    pub(super) fn latin(&self) -> impl Iterator<Item = &str> {
        self.latin.iter().map(String::as_str)
    }

    /// The parts of Chinese and Japanese.
    pub(super) fn cjk(&self) -> &[String] {
        &self.cjk
    }

    /// Whether a run of Chinese or Japanese holds one of them.
    pub(super) fn within(&self, run: &str) -> bool {
        self.cjk.iter().any(|part| run.contains(part.as_str()))
    }
}

macro_rules! words {
    ($(#[$doc:meta] $name:ident = $($list:literal)+;)+) => {
        $(#[$doc] pub(super) static $name: LazyLock<Words> = LazyLock::new(|| Words::new(concat!($($list, " "),+)));)+
    };
}

words! {
    /// A number beside one of these is an error code.
    ERROR = "http error err erreur fehler fehlercode errore errno errorcode errcode errorno code codes hresult ras rasclient"
        "错误 代码 错误码 报错 故障 エラー コード 代号";

    /// A number beside one of these is the id of an event.
    EVENT = "event eventid evt evenement ereignis 事件 イベント";

    /// Several of them, before their numbers; behind a number they are counted.
    ERRORS = "errors erreurs";

    /// Several events, before their ids.
    EVENTS = "events evenements ids";

    /// Between such a word and its number may stand these.
    BETWEEN = "is was are the a an of with number num no nr n id returned return on failure reason state status internal"
        "value details detail est retourne retournee d de du l interne numero etat windows win32 dec hex hexadecimal"
        "following suivant suivante raison vpn client termination disconnect message rdp equals reads says eventid identifier";

    /// Programs and people that say a number.
    SAYS = "fail fails failed failing says say said saying shows show showing displays displayed gives gave got get gets getting reports reported"
        "returns throws sees see message popup dit affiche indique donne obtiens recois affichant meldet zeigt vpn"
        "显示 提示 出现 弹出 报 表示 出る 出た 出ました 出ます";

    /// A number before one of these measures, and is no code.
    MEASURE = "eur euro euros usd dollar dollars chf gbp pounds yen rmb cny jpy kb mb gb tb kib mib gib byte bytes octets ko mo"
        "ms s sec secs second seconds seconde secondes min mins minute minutes h hr hrs hour hours heure heures day days jour"
        "jours week weeks semaine semaines month months mois year years ans px pixels dpi hz khz mhz ghz kbps mbps gbps bit"
        "bits percent pct pourcent km m cm mm kg g v w pm th st nd rd degrees"
        "年 月 日 元 円 分 秒 小时 小時 時間 万 千 度 歳 岁 美元 毫秒";

    /// A number before one of these counts, unless a word for errors stands right before it.
    COUNT = "user users utilisateur utilisateurs people persons personnes clients computers pcs machines postes devices employees"
        "files fichiers emails mails messages pages lines lignes times fois errors erreurs events evenements tickets sessions"
        "connections connexions items entries records rows packets paquets pings attempts tentatives seats licenses licences"
        "个 個 件 台 人 名 回 次 ページ 位 枚 条 行 项";

    /// A number after one of these names something else.
    COUNTED = "port ports line ligne page room salle floor etage build version versions v ver ext extension poste phone"
        "tel telephone fax ticket incident case inc req chg order commande invoice facture kb article house street rue seat"
        "desk model modele vlan section chapter chapitre row column offset pid tid process thread size taille about around"
        "environ 端口 第 房间 版本 工单 单号 电话 分机 ポート バージョン 部屋 チケット 内線 電話 ビルド";

    /// Words that carry grammar or politeness, so that a text of them and a number is that number alone.
    NEUTRAL = "a about after again all also am an and any anyone are as at be because been before but by can cant could did do"
        "does doesn don during every everyone for from had has have he hello her here hey hi him his how i if in into is it its"
        "just kind last me more morning much my need no not now of off on one only or our out over own please pls plz regards she"
        "since so some still than thank thanks that the their them then there these they thx this those to today tonight"
        "tried try trying until up urgent us use used user users using very was we were what whats when where which while who"
        "why will with would yes yesterday you your colleague customer dear sir team help helpdesk desk support someone somebody"
        "something issue problem question know knows mean means fix fixed solve tell us ask asap any idea ideas always suddenly time"
        "le la les l un une des de du d et ou est sont a au aux ce cet cette ces c ca j je tu il elle on nous vous ils elles mon ma"
        "mes ton ta tes son sa ses notre nos votre vos leur leurs que qu qui quoi dont ne n pas plus par pour sur sous avec sans dans"
        "en y se s si mais donc or ni car bonjour bonsoir salut merci svp plait aidez aide aider moi toi lui ai as avez avons ont"
        "suis etes etait ete etre avoir fait faire quand depuis hier matin aujourd hui comment pourquoi quelle quel quelles quels"
        "probleme souci cordialement tout tous toute toutes peut peux pouvez chez alors voici voila encore toujours toujours faut ci"
        "der die das und ist ich bei mein meine bitte hilfe hallo danke mit von"
        "你好 您好 请帮忙 请帮助 帮忙 帮助 谢谢 请问 怎么办 怎么解决 我的 我们 今天 昨天 早上 一直 老是 大家 各位 麻烦 求助 这个 是什么 什么意思 为什么 请 我 的 了 呢 吗 吧 啊 是 您 你 说 有 又 在 显示 提示 出现 解决"
        "こんにちは おはようございます お世話になっております お疲れ様です お願いします お願いいたします 助けてください 助けて 教えてください ありがとうございます すみません と表示されます と表示されました と表示 表示されます と言われます と言っています が出ます が出ました が出る と出ます 私の わたしの 今朝 今日 昨日 何ですか どうすれば よろしく よろしくお願いします 次のように 次の 以下のように 以下の 画面に です ます の は が を に で と も か";

    /// Words of every text about networks and computers: seeing them says little.
    EVERYDAY = "error erreur failed fail failure fails network connection connect connected connecting client clients server"
        "servers computer computers remote certificate certificates invalid valid access file files download save saved data"
        "database logon login log sign authentication authenticate user username password administrator admin windows message"
        "received server busy details detail name names address addresses install installation installed installer package"
        "available problem security host session service services port access denied exists exist object code status internal"
        "state occurred microsoft system local internet device devices configured configuration started start update try"
        "again contact owner one following reasons turned enabled used found find established responding respond location"
        "resource resources machine machines open opened reach unable able time way new old reset settings profile profiles"
        "serveur client ordinateur connexion connecter reseau certificat fichier telechargement telecharger impossible"
        "distant distante acces refuse base donnees ouverture session echoue echec utilisateur administrateur nom message recu"
        "probleme service services etat code machine disponible installer valide valides ressource ressources passe mot adresse"
        "错误 失败 无法 连接 网络 服务器 计算机 客户端 文件 下载 保存 数据 数据库 登录 证书 找不到 用户 密码 管理员 服务 名称 资源"
        "安装 状态 代码 问题 系统 远程 访问 拒绝 消息 收到 尝试 使用 出现"
        "エラー 失敗 接続 ネットワーク サーバー コンピューター クライアント ファイル ダウンロード 保存 データ データベース"
        "ログオン 証明書 見つかりません ユーザー パスワード 管理者 サービス できません できませんでした ました されました リモート アクセス"
        "拒否 メッセージ 受信 インストール 状態 コード 問題 システム 名前 リソース 使用";

    /// What only the catalogue's own field speaks of.
    FIELD = "vpn vnp p2s rdp azure ras rras tunnel tunnels ikev2 sstp gateway passerelle mstsc schannel entra vnet vng nsg"
        "网关 远程桌面 隧道 点到站点 虚拟网络 ゲートウェイ リモートデスクトップ トンネル ポイント対サイト 仮想ネットワーク";

    /// What a text speaks of that is about reaching a machine.
    REACHING = "remote desktop rdp mstsc bureau vpn connect connects connected connecting connection connecter connexion connexions"
        "block blocks blocked blocking deny denies denied refuse refuses refused inbound bloque bloquee bloques bloquer refusee"
        "远程桌面 连接 阻止 拒绝 封锁 挡住 リモート 接続 ブロック 拒否 遮断";

    /// What programs report that did as they were told.
    SUCCESS = "generated succeeded success successful successfully completed genere generee reussi reussie reussite"
        "成功 已生成 已完成 正常に 生成されました 完了しました";

    /// What a text says of a failure.
    FAILURE = "not no cannot cant couldn couldnt didn didnt doesn doesnt isn isnt won wont unable fail fails failed failing failure error"
        "errors denied invalid refused without never pas ne n echec echoue impossible erreur introuvable refuse"
        "无法 失败 错误 不 没 未 拒绝 ない ません 失敗 エラー 拒否 無効";

    /// Parts of Remote Desktop of which the catalogue has no symptom, without the spaces.
    OTHER_ROLES = "rdgateway rdgatewayserver remotedesktopgateway remotedesktopgatewayserver rdlicensing remotedesktoplicensing"
        "remotedesktoplicenseserver remotedesktoplicenseservers passerelledesservicesbureauadistance passerellebureauadistance"
        "远程桌面网关 远程桌面授权 リモートデスクトップゲートウェイ リモートデスクトップライセンス";

    /// Programs and things whose errors are others.
    FOREIGN = "printer printers print printing printed imprimante imprimer drucker druckerseite outlook excel word powerpoint"
        "teams exchange mail mails email emails smtp imap pop3 sap sql mssql oracle mysql postgres mongodb browser chrome firefox"
        "safari website websites web webpage intranet page http https api rest json post curl iis nginx apache tomcat sharepoint"
        "onedrive zoom skype steam game games xbox itunes adobe acrobat java python npm docker kubernetes socket bind winsock"
        "dhcp bsod bluescreen backup veeam scanner fax wifi wlan bluetooth usb modem coffee anyconnect cisco forticlient"
        "fortinet globalprotect palo pulse sonicwall juniper wireguard nordvpn checkpoint citrix vmware horizon anydesk"
        "teamviewer ssh ftp sftp git github jenkins salesforce servicenow jira payroll quickbooks courriel messagerie"
        "navigateur site jeu whatsapp slack vlc photoshop autocad dns wsus activation defender antivirus"
        "打印 打印机 邮件 邮箱 网页 网站 浏览器 游戏 蓝屏 微信 钉钉 备份 扫描 激活 杀毒"
        "プリンター 印刷 メール ブラウザー ウェブ サイト ゲーム ブルースクリーン バックアップ スキャナー スキャン ライセンス認証";

    /// How a name is announced that wrote an event.
    SOURCE_LABEL = "source quelle provider providername sourcename fournisseur 来源 ソース 提供程序";

    /// Writers of the Windows event log that are none of the catalogue's.
    OTHER_SOURCES = "grouppolicy servicecontrolmanager dhcp dhcpclient dhcpserver dns dnsclient dnsserver netlogon kernelpower"
        "kernelgeneral kernelboot disk ntfs winlogon lsasrv lsa kerberos kdc esent wmi msiinstaller w32time timeservice"
        "user32 volsnap vss bugcheck perflib wininit tcpip hyperv iis aspnet msexchange mssqlserver sidebyside chkdsk defrag"
        "windowsupdateclient windowsupdate dcom distributedcom applicationerror applicationhang securityauditing rasman"
        "remoteaccess taskscheduler printservice spooler smbclient smbserver netbt termdd certificateservices"
        "capi2 userprofilesservice userprofileservice bits applocker defender windowsdefender winrm powershell sysmon msdtc"
        "activedirectory ntds dfsr failoverclustering vds wlanautoconfig outlook sqlserver";

    /// What may stand before an event without having written it.
    NO_SOURCE = "rdp rds rd tls ssl vpn azure windows id log system viewer vm pc server the remote desktop services terminal"
        "error code event events";

    /// How error codes that are words begin.
    CODE_PREFIX = "error sec cert crypt kdc krb status nte rpc dns e wsa wsae wininet win32 hresult trust tls ssl xact scard"
        "fwp bg vpnclient";
}

/// Short forms that people write, and what the articles say.
pub(super) fn long_form(word: &str) -> Option<&'static [&'static str]> {
    Some(match word {
        "rdp" => &["remote", "desktop"],
        "p2s" => &["point", "to", "site"],
        "cert" | "certs" => &["certificate"],
        "nsg" | "nsgs" => &["network", "security", "group"],
        "vm" | "vms" => &["virtual", "machine"],
        "vnet" => &["virtual", "network"],
        "vnp" | "vpns" => &["vpn"],
        "pwd" => &["password"],
        "auth" => &["authentication"],
        "gw" => &["gateway"],
        "pc" | "pcs" => &["computer"],
        "conn" => &["connection"],
        "pkg" => &["package"],
        "dl" => &["download"],
        "bdd" => &["base", "donnees"],
        "pls" | "plz" => &["please"],
        _ => return None,
    })
}

/// What remains of a word of English or French without its endings: `connecting`, `connection` and `connecté` are one.
pub(super) fn stem(word: &str) -> &str {
    const ENDINGS: [&str; 20] = [
        "ations", "ation", "ions", "ings", "ies", "ing", "ion", "ees", "ers", "ure", "ed", "es", "ee", "er", "ez",
        "ir", "it", "e", "s", "y",
    ];
    if word.len() < 5 || !word.is_ascii() || word.ends_with("ss") {
        return word;
    }
    ENDINGS
        .iter()
        .find_map(|ending| {
            word.strip_suffix(ending).filter(|rest| rest.len() >= 4 || (rest.len() == 3 && ending.len() <= 2))
        })
        .unwrap_or(word)
}

/// What a contracted `not` belongs to: `can't` is `can not`, also without its apostrophe.
pub(super) fn before_not(word: &str) -> Option<&'static str> {
    Some(match word {
        "cant" | "can" | "cannot" => "can",
        "couldnt" | "couldn" => "could",
        "isnt" | "isn" => "is",
        "doesnt" | "doesn" => "does",
        "didnt" | "didn" => "did",
        "wasnt" | "wasn" => "was",
        "werent" | "weren" => "were",
        "hasnt" | "hasn" => "has",
        "havent" | "haven" => "have",
        "wont" | "won" => "will",
        "wouldnt" | "wouldn" => "would",
        "dont" | "don" => "do",
        "arent" | "aren" => "are",
        _ => return None,
    })
}
