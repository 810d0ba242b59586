//! Hostile archives, and hostile XML in them, as Word, PowerPoint, Excel and EPUB have it.

use glassbox::ingest::extract::Format;

use super::super::build::{Entry, docx, package, raw_zip, zlib_bomb};
use super::Hostile;

/// A workbook of one sheet.
pub fn workbook(sheet: &[u8]) -> Vec<u8> {
    package(&workbook_parts(sheet, b"<sst/>"))
}

fn workbook_parts<'a>(sheet: &'a [u8], strings: &'a [u8]) -> Vec<(&'static str, &'a [u8])> {
    vec![
        ("[Content_Types].xml", b"<Types/>".as_slice()),
        (
            "_rels/.rels",
            b"<Relationships><Relationship Id=\"a\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>",
        ),
        (
            "xl/workbook.xml",
            b"<workbook xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"><sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"a\"/></sheets></workbook>",
        ),
        (
            "xl/_rels/workbook.xml.rels",
            b"<Relationships><Relationship Id=\"a\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>",
        ),
        ("xl/worksheets/sheet1.xml", sheet),
        ("xl/sharedStrings.xml", strings),
    ]
}

/// A package of each format whose main XML is `xml`, which has its content in `{}`.
fn in_each(name: &str, xml: &[u8]) -> Vec<Hostile> {
    let slides = package(&[
        (
            "ppt/presentation.xml",
            b"<p><sldId id=\"1\" r:id=\"a\"/></p>",
        ),
        (
            "ppt/_rels/presentation.xml.rels",
            b"<r><Relationship Id=\"a\" Type=\"x/slide\" Target=\"s.xml\"/></r>",
        ),
        ("ppt/s.xml", xml),
    ]);
    let book = package(&[
        ("mimetype", b"application/epub+zip"),
        (
            "META-INF/container.xml",
            b"<c><rootfile full-path=\"b.opf\"/></c>",
        ),
        ("b.opf", xml),
    ]);
    [
        (Format::Docx, docx(xml)),
        (Format::Pptx, slides),
        (Format::Xlsx, workbook(xml)),
        (Format::Epub, book),
    ]
    .into_iter()
    .map(|(format, bytes)| Hostile::new(format!("{format}: {name}"), format, bytes))
    .collect()
}

pub fn all() -> Vec<Hostile> {
    let mut files = xml();
    files.extend(archives());
    files.extend(workbooks());
    files
}

fn xml() -> Vec<Hostile> {
    let laughs: String = (1..10)
        .map(|i| format!("<!ENTITY l{i} \"{}\">", format!("&l{};", i - 1).repeat(10)))
        .collect();
    let attributes: String = (0..100_000).map(|i| format!(" a{i}=\"b\"")).collect();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        (
            "a billion laughs",
            format!("<!DOCTYPE d [<!ENTITY l0 \"ha\">{laughs}]><d><p><t>&l9;</t></p></d>").into(),
        ),
        (
            "one long entity many times",
            format!("<!DOCTYPE d [<!ENTITY a \"{}\">]><d><p><t>{}</t></p></d>", "a".repeat(50_000), "&a;".repeat(50_000)).into(),
        ),
        (
            "an entity of a file",
            b"<!DOCTYPE d [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><d><p><t>&x;</t></p></d>".to_vec(),
        ),
        (
            "an entity of the network",
            b"<!DOCTYPE d SYSTEM \"http://127.0.0.1:1/x.dtd\" [<!ENTITY % y SYSTEM \"http://127.0.0.1:1/y\"> %y;]><d/>".to_vec(),
        ),
        ("an entity that nobody declared", b"<d><p><t>&nobody;</t></p></d>".to_vec()),
        ("nested deep", "<p>".repeat(200_000).into()),
        ("nested deep and closed", ["<p>".repeat(100_000), "</p>".repeat(100_000)].concat().into()),
        ("a hundred thousand attributes", format!("<d{attributes}/>").into()),
        ("an attribute of ten megabytes", format!("<d a=\"{}\"/>", "x".repeat(10 << 20)).into()),
        ("a name of ten megabytes", format!("<{}/>", "x".repeat(10 << 20)).into()),
        ("ends that nothing began", "</p></t>".repeat(50_000).into()),
        ("a million empty paragraphs", format!("<d>{}</d>", "<p/>".repeat(1_000_000)).into()),
        ("a cell in a cell", format!("<d>{}</d>", "<tbl><tr><tc>".repeat(50_000)).into()),
        ("not utf-8", b"<d><p><t>\xFF\xFE\xFD</t></p></d>".to_vec()),
        ("references to no character", b"<d><p><t>&#xD800;&#x110000;&#0;</t></p></d>".to_vec()),
        ("text of 96 megabytes", [b"<d><p><t>".to_vec(), vec![b'a'; 96 << 20]].concat()),
    ];
    cases
        .iter()
        .flat_map(|(name, xml)| in_each(name, xml))
        .collect()
}

fn archives() -> Vec<Hostile> {
    let document = b"<d><p><r><t>words</t></r></p></d>".as_slice();
    let main = || Entry::stored("word/document.xml", document);
    let bomb = zlib_bomb(256 << 20);
    let packed = |claimed| Entry {
        content: bomb[2..].to_vec(),
        method: 8,
        claimed,
        ..main()
    };
    let short = (bomb.len() - 2) as u32;
    let tiny = |i: usize| Entry::stored(&format!("word/header{i}.xml"), b"<d/>");
    let overlapping = |count: usize| -> Vec<Entry> {
        let mut entries = vec![main()];
        entries.extend((0..count).map(|i| Entry {
            offset: Some(0),
            claimed: Some((document.len() as u32, document.len() as u32)),
            ..tiny(i)
        }));
        entries
    };
    let nested = (0..20).fold(docx(document), |inner, _| {
        package(&[("word/document.xml", document), ("word/inner.zip", &inner)])
    });
    let traversal = [
        "../../../../etc/passwd",
        "/etc/passwd",
        "C:\\x",
        "word/../../x",
        "word\0/x",
    ];
    let mut traversal: Vec<Entry> = traversal.map(|name| Entry::stored(name, document)).into();
    traversal.push(main());
    let relation = |target: &str| {
        format!("<r><Relationship Id=\"a\" Type=\"x/officeDocument\" Target=\"{target}\"/></r>")
    };
    let led = |target: &str| {
        package(&[
            ("_rels/.rels", relation(target).as_bytes()),
            ("a", document),
        ])
    };
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("an empty archive", raw_zip(&[], None)),
        (
            "a quarter of a gigabyte in a part",
            raw_zip(&[packed(None)], None),
        ),
        (
            "the same, said to be small",
            raw_zip(&[packed(Some((short, 100)))], None),
        ),
        (
            "the same, said to be huge",
            raw_zip(&[packed(Some((short, u32::MAX - 1)))], None),
        ),
        (
            "a part that is longer than the file",
            raw_zip(
                &[Entry {
                    claimed: Some((1 << 30, 1 << 30)),
                    ..main()
                }],
                None,
            ),
        ),
        (
            "fifty thousand parts",
            raw_zip(&(0..50_000).map(tiny).collect::<Vec<_>>(), None),
        ),
        (
            "nine thousand parts in one place",
            raw_zip(&overlapping(9_000), None),
        ),
        (
            "a million parts, it says",
            million(&raw_zip(&[main()], None)),
        ),
        (
            "more parts than there are",
            raw_zip(&[main()], Some(60_000)),
        ),
        (
            "fewer parts than there are",
            raw_zip(&[main(), tiny(1), tiny(2)], Some(1)),
        ),
        (
            "a part outside the file",
            raw_zip(
                &[Entry {
                    offset: Some(u32::MAX - 9),
                    ..main()
                }],
                None,
            ),
        ),
        (
            "a part inside the directory",
            raw_zip(
                &[Entry {
                    offset: Some(60),
                    ..main()
                }],
                None,
            ),
        ),
        (
            "two parts of one name",
            raw_zip(&[main(), Entry::stored("word/document.xml", b"<d/>")], None),
        ),
        ("archives in archives", nested),
        ("names that lead out", raw_zip(&traversal, None)),
        (
            "a main part that is elsewhere",
            led("../../../../etc/passwd"),
        ),
        ("a main part that is a file", led("file:///etc/passwd")),
        ("a main part that is the relations", led("_rels/.rels")),
        (
            "behind a password",
            raw_zip(&[Entry { flags: 1, ..main() }], None),
        ),
        (
            "packed by a way nobody knows",
            raw_zip(
                &[Entry {
                    method: 97,
                    ..main()
                }],
                None,
            ),
        ),
        (
            "a name of 60,000 letters",
            raw_zip(
                &[Entry::stored(&"x".repeat(60_000), document), main()],
                None,
            ),
        ),
        (
            "names that are no text",
            raw_zip(
                &[
                    Entry {
                        name: vec![0xFF; 20],
                        ..main()
                    },
                    main(),
                ],
                None,
            ),
        ),
        (
            "a megabyte before it",
            [vec![b'x'; 1 << 20], docx(document)].concat(),
        ),
        (
            "a megabyte behind it",
            [docx(document), vec![b'x'; 1 << 20]].concat(),
        ),
        ("only an end", b"PK\x05\x06".repeat(1000)),
        (
            "ends that name each other",
            [
                b"PK\x06\x06".as_slice(),
                &[0xFF; 60],
                b"PK\x06\x07",
                &[0xFF; 16],
                b"PK\x05\x06",
                &[0xFF; 18],
            ]
            .concat(),
        ),
    ];
    let formats = [Format::Docx, Format::Pptx, Format::Xlsx, Format::Epub];
    let mut files = Vec::new();
    for (index, (name, bytes)) in cases.into_iter().enumerate() {
        // The archive is opened by the same code for all; one other format will do.
        let other = formats[1 + index % 3];
        for format in [Format::Docx, other] {
            files.push(Hostile::new(
                format!("{format}: {name}"),
                format,
                bytes.clone(),
            ));
        }
    }
    files
}

/// The same archive with an end that claims a million entries, the wide way.
fn million(zip: &[u8]) -> Vec<u8> {
    let (rest, end) = zip.split_at(zip.len() - 22);
    let mut out = rest.to_vec();
    let wide = out.len() as u64;
    out.extend(b"PK\x06\x06");
    out.extend(44_u64.to_le_bytes());
    out.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    out.extend(1_000_000_u64.to_le_bytes());
    out.extend(1_000_000_u64.to_le_bytes());
    out.extend([0; 16]);
    out.extend(b"PK\x06\x07\0\0\0\0");
    out.extend(wide.to_le_bytes());
    out.extend(1_u32.to_le_bytes());
    let mut end = end.to_vec();
    end[8..12].copy_from_slice(&[0xFF; 4]);
    out.extend(end);
    out
}

fn workbooks() -> Vec<Hostile> {
    let sheet = |rows: &str| format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
    let strings = format!(
        "<sst count=\"4000000000\" uniqueCount=\"4000000000\">{}</sst>",
        "<si><t>a</t></si>".repeat(200_000)
    );
    let shared = "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>4000000000</v></c></row>";
    let cases = [
        ("a cell in the last corner", sheet("<row r=\"1048576\"><c r=\"XFD1048576\"><v>1</v></c></row>")),
        ("a cell beyond it", sheet("<row r=\"4294967295\"><c r=\"ZZZZZZZ4294967295\"><v>1</v></c></row>")),
        ("three million cells", sheet(&format!("<row>{}</row>", "<c><v>1</v></c>".repeat(3_000_000)))),
        ("rows that go back", sheet(&"<row r=\"9\"><c r=\"A9\"><v>1</v></c></row><row r=\"2\"><c r=\"A2\"><v>1</v></c></row>".repeat(5_000))),
        ("dates that are none", sheet("<row><c t=\"d\"><v>yesterday</v></c><c t=\"n\"><v>1e308</v></c><c><v>NaN</v></c></row>")),
        ("a dimension of everything", format!("<worksheet><dimension ref=\"A1:XFD1048576\"/>{}</worksheet>", "<sheetData/>")),
    ];
    let mut files: Vec<Hostile> = cases
        .into_iter()
        .map(|(name, sheet)| {
            Hostile::new(
                format!("xlsx: {name}"),
                Format::Xlsx,
                workbook(sheet.as_bytes()),
            )
        })
        .collect();
    let sheet = sheet(shared);
    let parts = workbook_parts(sheet.as_bytes(), strings.as_bytes());
    files.push(Hostile::new(
        "xlsx: strings that are not there",
        Format::Xlsx,
        package(&parts),
    ));
    files
}
