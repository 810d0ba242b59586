//! Documents for tests, built part by part.

use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A ZIP of these parts.
pub(in super::super) fn package(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        writer
            .start_file(*name, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A document with this body and nothing else.
pub(in super::super) fn document(body: &str) -> Vec<u8> {
    package(&[(
        "word/document.xml",
        &format!("<w:document xmlns:w=\"w\"><w:body>{body}</w:body></w:document>"),
    )])
}

/// A document with a title, two sections, a table, notes, headers and properties.
pub(in super::super) fn report() -> Vec<u8> {
    let body = r#"<w:document xmlns:w="w"><w:body>
        <w:p><w:pPr><w:pStyle w:val="Titel"/></w:pPr><w:r><w:t>Annual report</w:t></w:r></w:p>
        <w:p><w:pPr><w:pStyle w:val="berschrift1"/></w:pPr><w:r><w:t>Figures</w:t></w:r></w:p>
        <w:p><w:r><w:t xml:space="preserve">AT&amp;T paid </w:t></w:r><w:r><w:t>&#8364; 5.</w:t></w:r></w:p>
        <w:tbl>
          <w:tr><w:tc><w:p><w:r><w:t>Year</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>Sum</w:t></w:r></w:p></w:tc></w:tr>
          <w:tr><w:tc><w:p/></w:tc><w:tc><w:p><w:r><w:t>5</w:t></w:r></w:p><w:p><w:r><w:t>net</w:t></w:r></w:p></w:tc></w:tr>
        </w:tbl>
        <w:p><w:pPr><w:pStyle w:val="Own"/></w:pPr><w:r><w:t>Outlook</w:t></w:r></w:p>
        <w:p><w:r><w:t>Fine.</w:t></w:r></w:p>
      </w:body></w:document>"#;
    let styles = r#"<w:styles xmlns:w="w">
        <w:style w:styleId="Titel"><w:name w:val="Title"/></w:style>
        <w:style w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>
        <w:style w:styleId="Base"><w:name w:val="x"/><w:pPr><w:outlineLvl w:val="1"/></w:pPr></w:style>
        <w:style w:styleId="Own"><w:name w:val="y"/><w:basedOn w:val="Base"/></w:style>
      </w:styles>"#;
    let notes = r#"<w:footnotes xmlns:w="w">
        <w:footnote w:type="separator" w:id="0"><w:p><w:r><w:t>line</w:t></w:r></w:p></w:footnote>
        <w:footnote w:id="1"><w:p><w:r><w:t>Before tax.</w:t></w:r></w:p></w:footnote></w:footnotes>"#;
    let header = r#"<w:hdr xmlns:w="w"><w:p><w:r><w:t>Confidential</w:t></w:r></w:p></w:hdr>"#;
    let core = r#"<p xmlns:dc="dc"><dc:title>Report &amp; more</dc:title><dc:creator>A. Author</dc:creator></p>"#;
    package(&[
        ("word/document.xml", body),
        ("word/styles.xml", styles),
        ("word/footnotes.xml", notes),
        ("word/header1.xml", header),
        ("word/header2.xml", header),
        ("word/_rels/header1.xml.rels", "<r/>"),
        ("docProps/core.xml", core),
    ])
}
