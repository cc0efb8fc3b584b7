//! Events as XML in all its spellings, and damaged.

use super::*;

fn tls() -> String {
    xml_event("Schannel", "36871")
}

#[test]
fn every_spelling_of_the_same_xml_is_the_same_event() {
    let plain = tls();
    for text in [
        plain.replace('\'', "\""),
        plain.replace("'Schannel'", "'Sch&#97;nnel'"),
        plain.replace("Name='Schannel'", "\r\n Guid='{1f678132}' Name = 'Schannel' "),
        plain.replace("<Provider Name='Schannel'/>", "<Provider Name='Schannel'></Provider>"),
        plain.replace("36871<", "<![CDATA[36871]]><"),
        plain.replace("36871<", "&#x33;6871<"),
        plain.replace("36871<", " 36<!-- <Event> -->871\n<"),
        plain.replace("<EventID>", "<EventID Qualifiers='49152'>"),
        plain.replace("<Event ", "<e:Event xmlns:e='x' ").replace("</Event>", "</e:Event>"),
        plain.replace("</System>", "</System><EventData><Data><![CDATA[</Event><Event>]]></Data></EventData>"),
        plain.replace("</System>", "</System><UserData><EventXML xmlns='Event_NS'><a>></a></EventXML></UserData>"),
        plain.replace("</System>", "</System><RenderingInfo><Message>&lt;Event></Message></RenderingInfo>"),
        plain.replace("><", ">\r\n- <"),
        format!("\u{feff}{plain}"),
        format!("<?xml version='1.0' encoding='utf-16'?><!-- <Event/> --><Events>{plain}</Events>"),
    ] {
        assert_eq!(counts(text.as_bytes()), (1, 0, 0, 1), "{text}");
    }
}

#[test]
fn only_the_systems_part_says_what_an_event_is() {
    let other = xml_event("Other", "1");
    let decoy = "</System><EventData><Provider Name='Schannel'/><EventID>36871</EventID><System><EventID>36871</EventID></System></EventData>";
    assert_eq!(counts(other.replace("</System>", decoy).as_bytes()), (1, 0, 0, 0));
    let hidden = format!("<Events><!-- {} -->{other}</Events>", tls());
    assert_eq!(counts(hidden.as_bytes()), (1, 0, 0, 0));
}

/// An event without a part that it must have, or cut, is damaged, and takes the next one with it in no case.
#[test]
fn a_damaged_event_is_counted_and_the_next_one_is_read() {
    let sound = tls();
    for (part, instead) in [
        ("</Event>", ""),
        ("</System></Event>", ""),
        ("</System>", ""),
        ("<EventID>36871</EventID>", ""),
        ("36871", "many"),
        ("36871", "-1"),
        ("36871", "36&unknown;871"),
        ("<Provider Name='Schannel'/>", ""),
        ("'Schannel'/>", "'Schan"),
        ("'Schannel'", "'Schannel' Name='Schannel'"),
        ("<EventID>", "<EventID"),
        ("</System>", "</System><!-- "),
        ("</System>", "</System><![CDATA[ "),
        ("</System>", "</System><a b='"),
        ("</System>", "</System>\0\0<\0"),
        ("</System></Event>", "</System><UserData/></Even"),
    ] {
        let damaged = sound.replace(part, instead);
        assert_ne!(damaged, sound, "{part}");
        for between in ["", "\r\n"] {
            let text = format!("{damaged}{between}{sound}");
            assert_eq!(counts(text.as_bytes()), (1, 1, 0, 1), "{part} -> {instead}");
        }
    }
}

#[test]
fn an_event_without_a_name_of_its_source_is_an_event() {
    let text = tls().replace("Name='Schannel'", "Guid='{1f678132-5938-4686-9fdc-c8ff68f15c85}'");
    assert_eq!(counts(text.as_bytes()), (1, 0, 0, 0));
}

#[test]
fn a_log_that_ends_early_is_read_up_to_there() {
    let text = format!("{}{}", tls(), tls());
    for cut in [tls().len() + 1, tls().len() + 30, text.len() - 1] {
        assert_eq!(counts(&text.as_bytes()[..cut]), (1, u64::from(cut > tls().len()), 0, 1), "{cut}");
    }
}
