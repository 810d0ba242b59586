//! Hostile PDFs.

use glassbox::ingest::extract::Format;

use super::super::build::{hello, page, pdf, stream, zlib_bomb};
use super::{Hostile, full};

const CATALOG: &[u8] = b"<< /Type /Catalog /Pages 2 0 R >>";

pub fn all() -> Vec<Hostile> {
    let mut files = nested();
    files.extend(loops());
    files.extend(sizes());
    files.extend(fonts());
    files.extend(contents());
    files.extend(tables());
    files
        .into_iter()
        .map(|(name, bytes)| Hostile::new(format!("pdf: {name}"), Format::Pdf, bytes))
        .collect()
}

type Files = Vec<(&'static str, Vec<u8>)>;

/// A page of one word whose resources and further objects are these.
fn with(resources: &str, extra: &[&[u8]]) -> Vec<u8> {
    let extra: Vec<Vec<u8>> = extra.iter().map(|object| object.to_vec()).collect();
    page(stream("", b"BT /F1 12 Tf (x) Tj ET"), resources, &extra)
}

fn drawn(content: &[u8]) -> Vec<u8> {
    page(stream("", content), "", &[])
}

fn nested() -> Files {
    let around = |open: &[u8], close: &[u8], times: usize| {
        [open.repeat(times), b"1".to_vec(), close.repeat(times)].concat()
    };
    vec![
        (
            "arrays in arrays",
            with("", &[&around(b"[", b"]", 200_000)]),
        ),
        (
            "dictionaries in dictionaries",
            with("", &[&around(b"<</A ", b">>", 100_000)]),
        ),
        (
            "strings in strings",
            with("", &[&around(b"(", b")", 200_000)]),
        ),
        ("arrays in a content", drawn(&around(b"[", b"]", 200_000))),
        ("arrays without end", with("", &[&b"[".repeat(500_000)])),
        ("saved states", drawn(&b"q ".repeat(500_000))),
        (
            "text objects in text objects",
            drawn(&b"BT ".repeat(300_000)),
        ),
    ]
}

fn loops() -> Files {
    let pages = |tree: &[u8]| pdf(&[CATALOG.to_vec(), tree.to_vec(), b"<< >>".to_vec()]);
    let chain: Vec<Vec<u8>> = std::iter::once(CATALOG.to_vec())
        .chain(
            (3..20_000)
                .map(|next| format!("<< /Type /Pages /Count 1 /Kids [{next} 0 R] >>").into_bytes()),
        )
        .collect();
    let form = |name: &str, next: u32| {
        let dictionary = format!(
            "/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /{name} {next} 0 R >> >>"
        );
        stream(&dictionary, format!("/{name} Do").as_bytes())
    };
    let two = page(
        stream("", b"/X Do"),
        "/XObject << /X 6 0 R >>",
        &[form("Y", 7), form("X", 6)],
    );
    vec![
        (
            "a page tree that holds itself",
            pages(b"<< /Type /Pages /Count 9 /Kids [2 0 R 2 0 R] >>"),
        ),
        (
            "a parent that is its own",
            pages(b"<< /Type /Pages /Count 1 /Parent 2 0 R /Kids [3 0 R] >>"),
        ),
        ("a chain of twenty thousand page trees", pdf(&chain)),
        (
            "a catalog without pages",
            pdf(&[b"<< /Type /Catalog >>".to_vec()]),
        ),
        (
            "pages that are the catalog",
            pdf(&[b"<< /Type /Catalog /Pages 1 0 R /Kids [1 0 R] >>".to_vec()]),
        ),
        ("two forms that draw each other", two),
        (
            "a form that draws itself",
            page(
                stream("", b"/X Do"),
                "/XObject << /X 6 0 R >>",
                &[form("X", 6)],
            ),
        ),
        (
            "references in a ring",
            with("/Properties 6 0 R", &[b"7 0 R", b"6 0 R"]),
        ),
        (
            "a length that is itself",
            with("", &[b"<< /Length 6 0 R >>\nstream\nx\nendstream"]),
        ),
        ("a page without resources whose parents go round", {
            let tree = b"<< /Type /Pages /Count 1 /Kids [3 0 R] /Parent 4 0 R >>".to_vec();
            let leaf = b"<< /Type /Page /Parent 2 0 R /Contents 5 0 R >>".to_vec();
            let above = b"<< /Type /Pages /Kids [2 0 R] /Parent 2 0 R >>".to_vec();
            pdf(&[
                CATALOG.to_vec(),
                tree,
                leaf,
                above,
                stream("", b"BT (x) Tj ET"),
            ])
        }),
        (
            "outlines that go round",
            pdf(&[
                b"<< /Type /Catalog /Pages 2 0 R /Outlines 3 0 R >>".to_vec(),
                b"<< /Type /Pages /Count 0 /Kids [] >>".to_vec(),
                b"<< /First 3 0 R /Next 3 0 R /Title (x) >>".to_vec(),
            ]),
        ),
    ]
}

fn sizes() -> Files {
    let many = if full() { 100_000 } else { 20_000 };
    let mut pages = vec![
        CATALOG.to_vec(),
        format!(
            "<< /Type /Pages /MediaBox [0 0 9 9] /Count {many} /Kids [{}] >>",
            (0..many)
                .map(|i| format!("{} 0 R ", i + 4))
                .collect::<String>()
        )
        .into_bytes(),
        stream("", b""),
    ];
    pages.extend((0..many).map(|_| b"<< /Type /Page /Parent 2 0 R /Contents 3 0 R >>".to_vec()));
    let empty: Vec<Vec<u8>> = [CATALOG.to_vec()]
        .into_iter()
        .chain((0..200_000).map(|_| b"null".to_vec()))
        .collect();
    let claims = |kids: &str| {
        pdf(&[
            CATALOG.to_vec(),
            format!("<< /Type /Pages /Count 2147483647 /Kids [{kids}] >>").into_bytes(),
        ])
    };
    let gigabyte = zlib_bomb(if full() { 1 << 30 } else { 600 << 20 });
    let twice = {
        // What unpacks to a bomb is that bomb, packed by not packing it.
        let inner = zlib_bomb(900 << 20);
        let mut outer = vec![0x78, 1];
        for (index, piece) in inner.chunks(65_535).enumerate() {
            let last = (index + 1) * 65_535 >= inner.len();
            let length = piece.len() as u16;
            outer.push(u8::from(last));
            outer.extend(length.to_le_bytes());
            outer.extend((!length).to_le_bytes());
            outer.extend(piece);
        }
        outer
    };
    vec![
        ("very many pages", pdf(&pages)),
        ("two hundred thousand objects", pdf(&empty)),
        ("pages that are claimed", claims("")),
        ("a page many times", claims(&"3 0 R ".repeat(200_000))),
        (
            "a content of a gigabyte",
            page(stream("/Filter /FlateDecode", &gigabyte), "", &[]),
        ),
        (
            "packed twice",
            page(
                stream("/Filter [/FlateDecode /FlateDecode]", &twice),
                "",
                &[],
            ),
        ),
        ("one content a hundred thousand times", {
            let page = format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents [{}] >>",
                "4 0 R ".repeat(100_000)
            );
            let tree = b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>".to_vec();
            pdf(&[
                CATALOG.to_vec(),
                tree,
                page.into_bytes(),
                stream("", &b"q Q ".repeat(250)),
            ])
        }),
        (
            "columns of a predictor",
            page(
                stream(
                    "/Filter /FlateDecode /DecodeParms << /Predictor 15 /Columns 2147483647 /Colors 32 /BitsPerComponent 16 >>",
                    &zlib_bomb(4096),
                ),
                "",
                &[],
            ),
        ),
        (
            "an lzw that repeats",
            page(
                stream(
                    "/Filter /LZWDecode",
                    &[0x80, 0x0B, 0x60, 0x50, 0x22, 0x0C, 0x0C, 0x85, 0x01].repeat(50_000),
                ),
                "",
                &[],
            ),
        ),
        (
            "a name of ten megabytes",
            with("", &[&[b"/".to_vec(), vec![b'x'; 10 << 20]].concat()]),
        ),
        ("a number of a megabyte", with("", &[&vec![b'9'; 1 << 20]])),
    ]
}

fn fonts() -> Files {
    let font = |dictionary: &str, extra: &[Vec<u8>]| {
        let mut objects = vec![format!("<< /Type /Font {dictionary} >>").into_bytes()];
        objects.extend_from_slice(extra);
        page(
            stream("", b"BT /F9 12 Tf (xyz) Tj <00410042> Tj ET"),
            "/Font << /F9 6 0 R >>",
            &objects,
        )
    };
    let map = |body: &str| {
        stream("", format!("/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <0000> <FFFF> endcodespacerange {body} endcmap").as_bytes())
    };
    let ranges = "1 beginbfrange <00000000> <FFFFFFFF> <0041> endbfrange";
    vec![
        (
            "a font that is its own descendant",
            font(
                "/Subtype /Type0 /BaseFont /A /Encoding /Identity-H /DescendantFonts [6 0 R]",
                &[],
            ),
        ),
        (
            "a map of everything",
            font(
                "/Subtype /TrueType /BaseFont /A /ToUnicode 7 0 R",
                &[map(ranges)],
            ),
        ),
        (
            "a map of half a character",
            font(
                "/Subtype /TrueType /BaseFont /A /ToUnicode 7 0 R",
                &[map(
                    "1 beginbfchar <41> <D800> endbfchar 1 beginbfchar <42> <4> endbfchar",
                )],
            ),
        ),
        (
            "a map that is a font",
            font("/Subtype /TrueType /BaseFont /A /ToUnicode 6 0 R", &[]),
        ),
        (
            "differences beyond the table",
            font(
                "/Subtype /Type1 /BaseFont /A /Encoding << /Differences [-5 /a 99999999 /b 4294967296 /c] >>",
                &[],
            ),
        ),
        (
            "widths that do not fit",
            font(
                "/Subtype /Type1 /BaseFont /A /FirstChar 0 /LastChar 2147483647 /Widths [1 2]",
                &[],
            ),
        ),
        (
            "a type 3 font without anything",
            font("/Subtype /Type3", &[]),
        ),
        (
            "an encoding nobody knows",
            font("/Subtype /Type1 /BaseFont /A /Encoding /None", &[]),
        ),
        (
            "a program that is none",
            font(
                "/Subtype /Type1 /BaseFont /A /FontDescriptor 7 0 R",
                &[
                    b"<< /Type /FontDescriptor /FontFile 8 0 R >>".to_vec(),
                    stream("", &b"dup 0 /a put ".repeat(10_000)),
                ],
            ),
        ),
        (
            "a cff that is none",
            font(
                "/Subtype /Type1 /BaseFont /A /FontDescriptor 7 0 R",
                &[
                    b"<< /Type /FontDescriptor /FontFile3 8 0 R >>".to_vec(),
                    stream(
                        "/Subtype /Type1C",
                        &[1, 0, 4, 4, 0xFF, 0xFF, 4, 1, 0xFF, 0xFF],
                    ),
                ],
            ),
        ),
    ]
}

fn contents() -> Files {
    let operators = zlib_bomb(1 << 20);
    let words = b"(aaaaaaaa) Tj ".repeat(if full() { 1_000_000 } else { 300_000 });
    vec![
        ("a page of words without end", drawn(&[b"BT /F1 12 Tf ".to_vec(), words].concat())),
        ("a content of spaces", page(stream("/Filter /FlateDecode", &operators), "", &[])),
        ("operators without operands", drawn(b"BT Tf Tj TJ Td TD Tm cm re Do gs sh k K rg RG ' \" ET Q Q Q")),
        ("operands of other kinds", drawn(b"BT (a) (b) Tf /x Tj [/a << >>] TJ (a) Td [1] cm /F1 /F1 Tf ET")),
        ("numbers that are none", drawn(b"BT /F1 1e400 Tf 99999999999999999999 0 0 -99999999999999999999 0 0 Tm (x) Tj --1 .. Td (y) Tj ET")),
        ("a matrix of nothing", drawn(b"BT /F1 0 Tf 0 0 0 0 0 0 Tm (x) Tj 0 0 0 0 0 0 cm (y) Tj ET")),
        ("a font that is not there", drawn(b"BT /F99 12 Tf (x) Tj ET")),
        ("words before a font", drawn(b"BT (x) Tj ET")),
        ("an inline image without end", drawn(b"BI /W 99999 /H 99999 /BPC 8 /CS /RGB ID \xFF\xFF")),
        ("a string without end", drawn(b"BT /F1 12 Tf (x")),
        ("no box", pdf(&[CATALOG.to_vec(), b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>".to_vec(), b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R >>".to_vec(), stream("", b"BT (x) Tj ET")])),
        ("a box of text", pdf(&[CATALOG.to_vec(), b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>".to_vec(), b"<< /Type /Page /Parent 2 0 R /MediaBox [(a)] /Contents 4 0 R >>".to_vec(), stream("", b"BT (x) Tj ET")])),
        ("a scan as large as a field", {
            let page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 900000000 900000000] /Contents 4 0 R /Resources << /XObject << /I 5 0 R >> >> >>".to_vec();
            let image = stream("/Type /XObject /Subtype /Image /Width 1000000 /Height 1000000 /BitsPerComponent 8 /ColorSpace /DeviceGray", b"\xFF");
            pdf(&[CATALOG.to_vec(), b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>".to_vec(), page, stream("", b"900000000 0 0 900000000 0 0 cm /I Do"), image])
        }),
    ]
}

/// Lies about where objects are.
fn tables() -> Files {
    let good = hello();
    let text = String::from_utf8(good.clone()).unwrap();
    let start = text.rfind("startxref").unwrap();
    let changed = |from: &str, to: &str| text.replacen(from, to, 1).into_bytes();
    let first = text.find("xref\n0").unwrap();
    let ring = text.replace("/Root 1 0 R", &format!("/Root 1 0 R /Prev {first}"));
    let packed = |claims: &str, content: &[u8]| {
        let objects = stream(&format!("/Type /ObjStm {claims}"), content);
        let mut all: Vec<Vec<u8>> = vec![
            CATALOG.to_vec(),
            b"<< /Type /Pages /Count 1 /Kids [9 0 R] >>".to_vec(),
        ];
        all.extend((0..2_000).map(|_| objects.clone()));
        pdf(&all)
    };
    let crypt = "/Encrypt << /Filter /Standard /V 9 /R 9 /Length 2147483647 /O () /U () /P 1 >> /Root 1 0 R";
    vec![
        ("a table that goes round", ring.into_bytes()),
        (
            "a table beyond the end",
            [&good[..start], b"startxref\n99999999999\n%%EOF"].concat(),
        ),
        (
            "a table before the beginning",
            [&good[..start], b"startxref\n-1\n%%EOF"].concat(),
        ),
        ("no table", good[..text.find("xref\n0").unwrap()].to_vec()),
        ("only a head", b"%PDF-1.7".to_vec()),
        ("a head and an end", b"%PDF-1.7\n%%EOF".to_vec()),
        (
            "a size of everything",
            changed("/Size 6", "/Size 4294967295"),
        ),
        (
            "a table of four thousand million",
            changed("xref\n0 6", "xref\n0 4294967295"),
        ),
        (
            "a table that begins late",
            changed("xref\n0 6", "xref\n4294967290 6"),
        ),
        (
            "a root that is missing",
            changed("/Root 1 0 R", "/Root 77 0 R"),
        ),
        (
            "a root that is a page",
            changed("/Root 1 0 R", "/Root 3 0 R"),
        ),
        (
            "objects that all are one",
            text.replace("obj\n<<", "obj\n1 0 R %<<").into_bytes(),
        ),
        (
            "a length of everything",
            changed("/Length ", "/Length 9999999999999"),
        ),
        ("a length below nothing", changed("/Length ", "/Length -")),
        (
            "packed objects without end",
            packed("/N 2147483647 /First 10", b"9 0 9 0 9 0"),
        ),
        (
            "packed objects that extend themselves",
            packed("/N 1 /First 4 /Extends 3 0 R", b"9 0 << >>"),
        ),
        (
            "packed objects that begin late",
            packed("/N 1 /First 2147483647", b"9 0 << >>"),
        ),
        ("a password of no kind", changed("/Root 1 0 R", crypt)),
        (
            "a thousand ends",
            [good.clone(), b"\nstartxref\n0\n%%EOF".repeat(1000)].concat(),
        ),
        (
            "a document in itself",
            [good.clone(), good.clone(), good].concat(),
        ),
    ]
}
