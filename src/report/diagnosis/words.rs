//! What stands around the symptom's own texts, in the four languages of the catalogue.

use crate::symptoms::Language;

/// Headings and remarks. `{}` is filled in.
pub(super) struct Words {
    pub(super) cause: &'static str,
    pub(super) found: &'static str,
    pub(super) cannot_tell: &'static str,
    pub(super) ruled_out: &'static str,
    pub(super) steps: &'static str,
    pub(super) articles: &'static str,
    pub(super) fix: &'static str,
    /// No policy explains the symptom.
    pub(super) not_azure: &'static str,
    /// Policies do, but there was no subject for them.
    pub(super) nothing: &'static str,
    /// Something could not be read.
    pub(super) incomplete: &'static str,
    /// Nobody said where to look; `{}` is the symptom's id.
    pub(super) no_source: &'static str,
    /// `{}` is a number.
    pub(super) more: &'static str,
    /// Of an event log: events read, damaged ones, the last of a scenario; each `{}` is a number or a moment.
    pub(super) read: &'static str,
    pub(super) damaged: &'static str,
    pub(super) last: &'static str,
    /// No event of a scenario is in the log.
    pub(super) no_scenario: &'static str,
    /// Behind a moment of which nobody says in which time zone it is.
    pub(super) local_time: &'static str,
}

pub(super) fn words(language: Language) -> &'static Words {
    match language {
        Language::English => &ENGLISH,
        Language::French => &FRENCH,
        Language::Chinese => &CHINESE,
        Language::Japanese => &JAPANESE,
    }
}

const ENGLISH: Words = Words {
    cause: "Why",
    found: "Found in Azure",
    cannot_tell: "Cannot tell: data is missing",
    ruled_out: "Ruled out in Azure",
    steps: "What to do, in order",
    articles: "Articles",
    fix: "fix:",
    not_azure: "No setting in Azure explains this.",
    nothing: "What was read holds nothing that could be the cause, not even something to rule out.",
    incomplete: "Not everything could be read: there may be causes in what is missing.",
    no_source: "To see whether Azure is the cause: azaudit diagnose {} --subscription NAME, or --from FILES",
    more: "… and {} more: --format json lists all",
    read: "Events read: {}",
    damaged: "Damaged and not read: {}",
    last: "last: {}",
    no_scenario: "None of them is of a kind that keeps Remote Desktop from working.",
    local_time: "local time",
};

const FRENCH: Words = Words {
    cause: "Pourquoi",
    found: "Trouvé dans Azure",
    cannot_tell: "Impossible à dire : des données manquent",
    ruled_out: "Exclu dans Azure",
    steps: "Que faire, dans l’ordre",
    articles: "Articles",
    fix: "remède :",
    not_azure: "Aucun réglage d’Azure n’explique cela.",
    nothing: "Rien de ce qui a été lu ne peut être la cause, ni même en être exclu.",
    incomplete: "Tout n’a pas pu être lu : une cause peut se trouver dans ce qui manque.",
    no_source: "Pour savoir si la cause est dans Azure : azaudit diagnose {} --subscription NOM, ou --from FICHIERS",
    more: "… et {} de plus : --format json les donne tous",
    read: "Événements lus : {}",
    damaged: "Endommagés, non lus : {}",
    last: "dernier : {}",
    no_scenario: "Aucun n’est de ceux qui empêchent le Bureau à distance de fonctionner.",
    local_time: "heure locale",
};

const CHINESE: Words = Words {
    cause: "原因",
    found: "在 Azure 中找到",
    cannot_tell: "无法判断：缺少数据",
    ruled_out: "在 Azure 中已排除",
    steps: "请依次操作",
    articles: "相关文章",
    fix: "修复：",
    not_azure: "这不是由 Azure 的任何设置造成的。",
    nothing: "读取到的内容中没有可能的原因，也没有可以排除的项。",
    incomplete: "有内容未能读取：原因可能就在缺少的部分。",
    no_source: "要查明原因是否在 Azure：azaudit diagnose {} --subscription 名称，或 --from 文件",
    more: "……另有 {} 项：用 --format json 查看全部",
    read: "已读取的事件：{}",
    damaged: "已损坏而未读取：{}",
    last: "最近一次：{}",
    no_scenario: "其中没有会导致远程桌面无法使用的事件。",
    local_time: "本地时间",
};

const JAPANESE: Words = Words {
    cause: "理由",
    found: "Azure で見つかった原因",
    cannot_tell: "判断できないもの: データ不足",
    ruled_out: "Azure で除外できた原因",
    steps: "順に行うこと",
    articles: "記事",
    fix: "修正:",
    not_azure: "Azure の設定が原因ではありません。",
    nothing: "読み取った内容には、原因となりうるものも除外できるものもありません。",
    incomplete: "読み取れなかったものがあります。原因はその中にあるかもしれません。",
    no_source: "原因が Azure にあるか調べるには: azaudit diagnose {} --subscription 名前、または --from ファイル",
    more: "… ほか {} 件: --format json ですべて表示",
    read: "読み取ったイベント: {}",
    damaged: "破損のため読み取れなかったもの: {}",
    last: "最後: {}",
    no_scenario: "リモート デスクトップを妨げる種類のイベントはありません。",
    local_time: "現地時刻",
};
