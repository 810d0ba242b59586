//! What a Word document says, and what a hostile one is answered.

use super::super::FailureClass;
use super::{extract, fixture};

fn text(body: &str) -> String {
    extract(&fixture::document(body)).unwrap().text
}

fn refusal(bytes: &[u8]) -> FailureClass {
    match extract(bytes) {
        Ok(extracted) => panic!("it was read: {} bytes", extracted.text.len()),
        Err(failure) => failure.class,
    }
}

#[test]
fn a_report_reads_in_order_with_its_heading_paths() {
    let extracted = extract(&fixture::report()).unwrap();
    let chars: Vec<char> = extracted.text.chars().collect();
    let sections: Vec<(Option<&str>, String)> = extracted
        .segments
        .iter()
        .map(|s| (s.heading.as_deref(), chars[s.start..s.end].iter().collect()))
        .collect();
    let expected = [
        (Some("Annual report"), "Annual report"),
        (
            Some("Annual report > Figures"),
            "Figures\n\nAT&T paid € 5.\n\nYear\tSum\n\t5 net",
        ),
        (
            Some("Annual report > Figures > Outlook"),
            "Outlook\n\nFine.",
        ),
        (Some("Headers"), "Confidential"),
        (Some("Footnotes"), "[1] Before tax."),
    ];
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(h, t)| (h, t.to_owned()))
        .collect();
    assert_eq!(sections, expected);
    assert_eq!(extracted.metadata.title.as_deref(), Some("Report & more"));
    assert_eq!(extracted.metadata.author.as_deref(), Some("A. Author"));
}

#[test]
fn a_note_s_number_stands_where_it_is_referred_to() {
    let body = "<w:p><w:r><w:t>Sum</w:t></w:r><w:r><w:footnoteReference w:id=\"1\"/></w:r></w:p>";
    assert_eq!(text(body), "Sum[1]");
}

#[test]
fn references_survive_as_the_characters_they_stand_for() {
    assert_eq!(
        text("<w:p><w:r><w:t>a &lt; b &amp;&amp; c &#x41;</w:t></w:r></w:p>"),
        "a < b && c A"
    );
}

#[test]
fn tabs_and_breaks_are_kept_and_tab_stops_are_not() {
    let body = "<w:p><w:pPr><w:tabs><w:tab w:val=\"left\"/></w:tabs></w:pPr>\
                <w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t><w:noBreakHyphen/><w:t>d</w:t></w:r></w:p>";
    assert_eq!(text(body), "a\tb\nc-d");
}

#[test]
fn deleted_text_and_field_codes_are_not_shown() {
    let body = "<w:p><w:del><w:r><w:delText>old</w:delText><w:t>old</w:t></w:r></w:del>\
                <w:ins><w:r><w:t>new</w:t></w:r></w:ins>\
                <w:r><w:instrText> PAGE </w:instrText></w:r><w:r><w:t> 7</w:t></w:r></w:p>";
    assert_eq!(text(body), "new 7");
}

#[test]
fn a_former_style_makes_no_heading() {
    let body = "<w:p><w:pPr><w:pPrChange><w:pPr><w:pStyle w:val=\"Heading1\"/></w:pPr></w:pPrChange></w:pPr>\
                <w:r><w:t>plain</w:t></w:r></w:p>";
    assert_eq!(
        extract(&fixture::document(body)).unwrap().segments[0].heading,
        None
    );
}

#[test]
fn a_text_box_is_read_once() {
    let boxed = "<w:txbxContent><w:p><w:r><w:t>boxed</w:t></w:r></w:p></w:txbxContent>";
    let body = format!(
        "<w:p><w:r><w:t>outer</w:t><mc:AlternateContent><mc:Choice>{boxed}</mc:Choice>\
         <mc:Fallback>{boxed}</mc:Fallback></mc:AlternateContent></w:r></w:p>"
    );
    assert_eq!(text(&body), "outer\nboxed");
}

#[test]
fn the_main_part_is_where_the_relations_say() {
    let relations = "<Relationships><Relationship Type=\"http://x/officeDocument\" Target=\"/word/main.xml\"/></Relationships>";
    let main = "<w:document><w:p><w:r><w:t>here</w:t></w:r></w:p></w:document>";
    let bytes = fixture::package(&[("_rels/.rels", relations), ("word/main.xml", main)]);
    assert_eq!(extract(&bytes).unwrap().text, "here");
}

#[test]
fn a_doctype_is_refused() {
    let source = "<!DOCTYPE d [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><w:document><w:p><w:r><w:t>&e;</w:t></w:r></w:p></w:document>";
    assert_eq!(
        refusal(&fixture::package(&[("word/document.xml", source)])),
        FailureClass::Malformed
    );
}

#[test]
fn an_undeclared_entity_is_refused() {
    assert_eq!(
        refusal(&fixture::document("<w:p><w:r><w:t>&e;</w:t></w:r></w:p>")),
        FailureClass::Malformed
    );
}

#[test]
fn xml_that_is_cut_or_too_deep_is_malformed() {
    let cut = fixture::package(&[("word/document.xml", "<w:document><w:body><w:p>")]);
    assert_eq!(refusal(&cut), FailureClass::Malformed);
    let deep = format!("{}{}", "<w:r>".repeat(600), "</w:r>".repeat(600));
    assert_eq!(refusal(&fixture::document(&deep)), FailureClass::Malformed);
}

#[test]
fn a_bomb_is_too_large() {
    let text = "a".repeat(8 << 20);
    let bytes = fixture::document(&format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"));
    assert!(bytes.len() < 50_000);
    assert_eq!(refusal(&bytes), FailureClass::TooLarge);
}

#[test]
fn a_password_and_a_foreign_zip_are_told_apart() {
    assert_eq!(
        refusal(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1rest"),
        FailureClass::Encrypted
    );
    assert_eq!(
        refusal(&fixture::package(&[("a.txt", "a")])),
        FailureClass::Malformed
    );
    assert_eq!(refusal(b"PK\x03\x04"), FailureClass::Malformed);
}
