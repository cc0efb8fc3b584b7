//! Every code in each of its spellings, alone and within texts.

use azaudit::symptoms::{Answer, Catalogue, Symptom, find};

use crate::support::{answer, explained};

/// A code's spellings: as it is listed, and as programs and people write the same value.
fn spellings(code: &str) -> Vec<String> {
    let hex = code.strip_prefix("0x").unwrap_or(code);
    let is_hex = hex.len() == 8 && u32::from_str_radix(hex, 16).is_ok();
    let mut all = vec![code.to_owned(), code.to_uppercase(), code.to_lowercase(), wide(code)];
    if is_hex {
        let value = u32::from_str_radix(hex, 16).unwrap();
        all.extend([
            format!("0x{}", hex.to_lowercase()),
            format!("0X{}", hex.to_uppercase()),
            hex.to_lowercase(),
            hex.to_uppercase(),
            format!("{hex}h"),
            format!("&H{hex}"),
            value.cast_signed().to_string(),
            format!("−{}", value.cast_signed().unsigned_abs()),
            value.to_string(),
            format!("0x{} {}", &hex[..4], &hex[4..]),
            format!("0x{}\n{}", &hex[..5], &hex[5..]),
        ]);
    }
    all
}

fn wide(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_ascii_graphic() { char::from_u32(u32::from(c) + 0xfee0).unwrap_or(c) } else { c })
        .collect()
}

fn codes() -> impl Iterator<Item = (&'static Symptom, &'static String)> {
    Catalogue::builtin().symptoms().iter().flat_map(|symptom| symptom.codes.iter().map(move |code| (symptom, code)))
}

#[test]
fn each_spelling_of_each_code_alone() {
    for (symptom, code) in codes() {
        for text in spellings(code) {
            assert_eq!(find(&text).answer, Answer::One(symptom.id.clone()), "{}", explained(&text));
        }
    }
}

#[test]
fn each_code_beside_a_word_for_errors() {
    for (symptom, code) in codes() {
        for frame in [
            "Error {}",
            "error: {}",
            "Error:{}",
            "(Error {})",
            "[error {}]",
            "err {}",
            "Error code {}",
            "error code: {}.",
            "error code = {}",
            "error #{}",
            "Error no. {}",
            "{} error",
            "erreur {}",
            "Erreur n° {}",
            "code d’erreur : {}",
            "错误{}",
            "错误 {}",
            "错误代码：{}",
            "（错误 {}）",
            "错误代码为 {}。",
            "エラー {}",
            "エラー{}",
            "エラー コード: {}",
            "エラーコードは{}です",
            "Fehler {}",
            "hi, my VPN says: {} please help",
            "hi, my VPN says: error {} please help",
            "bonjour, mon VPN affiche l’erreur {}, merci",
            "你好，VPN 提示错误{}，请帮忙",
            "VPN でエラー {} が出ます。助けてください",
        ] {
            let text = frame.replace("{}", code);
            assert_eq!(find(&text).answer, Answer::One(symptom.id.clone()), "{}", explained(&text));
            let text = wide(&text);
            assert_eq!(find(&text).answer, Answer::One(symptom.id.clone()), "{}", explained(&text));
        }
    }
}

#[test]
fn each_event_of_its_source_and_of_no_other() {
    for symptom in Catalogue::builtin().symptoms() {
        for event in &symptom.events {
            let id = event.id;
            for text in [
                format!("event {id}"),
                format!("Event ID: {id}"),
                format!("événement {id}"),
                format!("ID d’événement {id}"),
                format!("事件 ID {id}"),
                format!("イベント ID: {id}"),
                format!("イベント{id}"),
            ] {
                assert_eq!(answer(&text), symptom.id, "{text}");
            }
            for source in &event.source {
                for text in [
                    format!("{source} {id}"),
                    format!("Event {id}, {source}"),
                    format!("{source} event id {id}"),
                    format!(
                        "Log Name: System\nSource: {source}\nDate: 6/14/2026 8:12:44 AM\nEvent ID: {id}\nLevel: Error"
                    ),
                    format!("日志名称: System\n来源: {source}\n日期: 2026/6/14 8:12:44\n事件 ID: {id}"),
                    format!("ログの名前: System\nソース: {source}\n日付: 2026/06/14 8:12:44\nイベント ID: {id}"),
                ] {
                    assert_eq!(answer(&text), symptom.id, "{text}");
                }
            }
            for other in ["GroupPolicy", "Microsoft-Windows-GroupPolicy", "DHCP", "Service Control Manager", "Disk"] {
                for text in [
                    format!("{other} {id}"),
                    format!("{other} event {id}"),
                    format!("Event {id}, {other}"),
                    format!(
                        "Log Name: System\nSource: {other}\nDate: 6/14/2026 8:12:44 AM\nEvent ID: {id}\nLevel: Error"
                    ),
                    format!("来源: {other}\n日期: 2026/6/14 8:12:44\n事件 ID: {id}"),
                ] {
                    assert_eq!(answer(&text), "-", "{text}");
                }
            }
        }
    }
}

#[test]
fn each_id() {
    for symptom in Catalogue::builtin().symptoms() {
        let id = &symptom.id;
        for text in [id.clone(), id.to_uppercase(), wide(id), format!("please look at `{id}`."), id.replace('-', "‑")]
        {
            assert_eq!(answer(&text), *id, "{text}");
        }
    }
}

#[test]
fn a_code_decides_over_the_words_around_it() {
    let words = "The message received was unexpected or badly formatted";
    assert_eq!(answer(words), "p2s-bad-format-0x80090326");
    assert_eq!(answer(&format!("{words} (Error 812)")), "ras-policy-812");
    assert_eq!(answer(&format!("{words} (Error 812), see too-many-clients")), "too-many-clients ras-policy-812");
    for code in ["691", "0x80090325", "-2146893019", "0x8009 0325", "SEC_E_UNTRUSTED_ROOT", "13801"] {
        assert_eq!(answer(&format!("{words} (Error {code})")), "-", "{code}");
    }
    // These are no error codes.
    for other in
        ["ticket 48213", "on 2026-06-14 at 08:12:44", "Windows 10.0.19041.798", "since 812 minutes", "port 443"]
    {
        assert_eq!(answer(&format!("{words} ({other})")), "p2s-bad-format-0x80090326", "{other}");
    }
}

#[test]
fn codes_of_several_symptoms() {
    for text in ["error 798, then error 800", "798 / 800", "erreurs 798 et 800", "错误 798 和 800", "エラー 798 と 800"]
    {
        let mut ids: Vec<String> = answer(text).split(' ').map(str::to_owned).collect();
        ids.sort();
        assert_eq!(ids, ["p2s-cert-not-found-798", "tunnels-failed-800"], "{text}");
    }
}

#[test]
fn win32_errors_within_hresults() {
    assert_eq!(answer("0x8007031E"), "p2s-cert-not-found-798");
    assert_eq!(answer("0x80070329"), "p2s-remote-server-not-responding");
    assert_eq!(answer("error 0x31e"), "p2s-cert-not-found-798");
    // The id of an event is no Win32 error.
    assert_eq!(answer("0x80070422"), "-");
}

#[test]
fn a_number_is_a_code_only_beside_a_word_for_it() {
    for text in [
        "812 EUR",
        "EUR 812",
        "€812",
        "812€",
        "812 %",
        "19041.798",
        "1.798",
        "798.1",
        "2026-07-98",
        "8:12",
        "12/798",
        "798/2026",
        "10.0.8.12",
        "10.798.0.1",
        "+49 798",
        "798-1234",
        "812 ms",
        "812 minutes",
        "error after 812 seconds",
        "port 800",
        "error on port 800",
        "line 405",
        "error in line 405",
        "page 503",
        "room 812",
        "version 798",
        "build 1058",
        "800 errors",
        "800 users cannot connect",
        "DESKTOP-798",
        "PC812",
        "\\\\server\\812",
        "https://example.com/503",
        "KB5000812",
        "812 元",
        "798 个错误",
        "812円",
        "503 ページ",
        "800 人",
        "812 octets",
        "800 erreurs",
        "page 812",
        "12,798",
        "ticket #812",
        "incident: 800",
        "8007026f-1c2d-4e5f-8a9b-0c1d2e3f4a5b",
        "id 12345",
        "my VPN has 812 users",
    ] {
        assert_eq!(answer(text), "-", "{text}");
    }
}

#[test]
fn numbers_of_many_programs_need_a_company_that_fits() {
    for (text, expected) in [
        ("error 503", "portal-vpn-package-503"),
        ("error 503 while downloading the VPN package", "portal-vpn-package-503"),
        ("HTTP 503 when I download the VPN client package from the Azure portal", "portal-vpn-package-503"),
        ("HTTP 503 on the printer’s page", "-"),
        ("the intranet site shows error 503", "-"),
        ("error 405 POST /api/orders", "-"),
        ("error 405 on the VPN gateway’s root certificate", "error-405-root-certificate"),
        ("Error 1460 Azure VPN", "vpn-platform-1460"),
        ("SQL backup failed with error 1460", "-"),
        ("error 10013 when my python script binds a socket", "-"),
        ("TLS server credential, internal error state 10013", "rdp-eventid-scenario-2-tls"),
        ("error 1058: the service cannot be started because it is disabled", "-"),
    ] {
        assert_eq!(answer(text), expected, "{text}");
    }
}
