//! Hostile text, markup, letters and images.

use glassbox::ingest::extract::Format;

use super::Hostile;

const MEGABYTE: usize = 1 << 20;

fn many(part: &str, times: usize) -> Vec<u8> {
    part.repeat(times).into_bytes()
}

/// The beginning of a PNG that claims this size, and no picture.
pub fn png(width: u32, height: u32) -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR".to_vec();
    out.extend(width.to_be_bytes());
    out.extend(height.to_be_bytes());
    out.extend(b"\x08\0\0\0\0\0\0\0\0\0\0\0\0IEND\xAE\x42\x60\x82");
    out
}

pub fn all() -> Vec<Hostile> {
    let mut files = markup();
    files.extend(plain());
    files.extend(letters());
    files.extend(images());
    files.extend(others());
    files
}

fn markup() -> Vec<Hostile> {
    let attributes: String = (0..100_000).map(|i| format!(" a{i}=\"b\"")).collect();
    let cases = [
        ("a hundred thousand open elements", many("<div>", 100_000)),
        (
            "elements that only end",
            many("</table></td></svg>", 50_000),
        ),
        ("tables in tables", many("<table><tr><td>", 30_000)),
        ("a megabyte of <", many("<", MEGABYTE)),
        ("a megabyte of &", many("&", MEGABYTE)),
        (
            "references to any character",
            many("&#x10FFFF;&#xD800;&#0;&lt", 20_000),
        ),
        (
            "a comment without end",
            [b"<p>a<!--".to_vec(), many("- ", MEGABYTE)].concat(),
        ),
        (
            "a script without end",
            [b"<p>a<script>".to_vec(), many("<!--<script>", 50_000)].concat(),
        ),
        ("titles", many("<title>", 50_000)),
        ("hidden things", many("<svg><template><select>", 30_000)),
        ("rows without a table", many("<tr><td>x", 50_000)),
        ("attributes", format!("<p{attributes}>a").into_bytes()),
        (
            "an encoding that decides itself",
            b"<meta charset=utf-16><meta charset=iso-2022-kr>\x0E\x0E<p>a".to_vec(),
        ),
        (
            "an entity of a file",
            b"<!DOCTYPE html [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><p>&x;".to_vec(),
        ),
        (
            "frames and objects",
            many(
                "<iframe src=http://127.0.0.1/></iframe><object data=file:///etc/passwd>",
                1_000,
            ),
        ),
    ];
    cases
        .into_iter()
        .map(|(name, bytes)| Hostile::new(format!("html: {name}"), Format::Html, bytes))
        .collect()
}

fn plain() -> Vec<Hostile> {
    let mut surrogates = b"\xFF\xFE".to_vec();
    surrogates.extend(many("\u{41}", 1000));
    surrogates.extend([0x00, 0xD8].repeat(10_000));
    let keys: String = (0..100_000).map(|i| format!("\"k{i}\":{i},")).collect();
    let cases = [
        (Format::Text, "half surrogates", surrogates),
        (
            Format::Text,
            "one line of five megabytes",
            many("word ", MEGABYTE),
        ),
        (Format::Text, "zeros", vec![0; MEGABYTE]),
        (
            Format::Text,
            "all bytes",
            (0..=255).cycle().take(100_000).collect(),
        ),
        (
            Format::Text,
            "marks that combine",
            many("a\u{301}\u{302}\u{303}", 100_000),
        ),
        (
            Format::Text,
            "directions",
            many("\u{202E}\u{2066}x", 100_000),
        ),
        (
            Format::Text,
            "escapes of a terminal",
            many("\x1B]0;x\x07\x1B[2J", 50_000),
        ),
        (
            Format::Text,
            "switches of a code",
            many("\x1B$B\x1B(B~{", 50_000),
        ),
        (
            Format::Text,
            "line ends",
            many("\r\n\r\u{85}\u{2028}\n", 200_000),
        ),
        (Format::Markdown, "quotes in quotes", many("> ", 100_000)),
        (
            Format::Markdown,
            "lists in lists",
            (0..2000)
                .map(|i| format!("{}- a\n", " ".repeat(i)))
                .collect::<String>()
                .into_bytes(),
        ),
        (Format::Markdown, "stars", many("*a_ ", 100_000)),
        (Format::Markdown, "brackets", many("[", 100_000)),
        (Format::Markdown, "links", many("[a](", 50_000)),
        (
            Format::Markdown,
            "backticks",
            (1..2000)
                .map(|i| "`".repeat(i) + " ")
                .collect::<String>()
                .into_bytes(),
        ),
        (
            Format::Markdown,
            "a hundred thousand headings",
            many("# a\n", 100_000),
        ),
        (
            Format::Markdown,
            "references",
            (0..50_000)
                .map(|i| format!("[{i}]: <a>\n"))
                .collect::<String>()
                .into_bytes(),
        ),
        (
            Format::Csv,
            "a quote without end",
            [b"a,\"".to_vec(), many("b\n", MEGABYTE)].concat(),
        ),
        (Format::Csv, "two million commas", many(",", 2 * MEGABYTE)),
        (Format::Csv, "half a million rows", many("a,b\n", 500_000)),
        (
            Format::Csv,
            "separators that disagree",
            many("a;b,c\td|e\n;;;,,\n", 20_000),
        ),
        (Format::Csv, "quotes in quotes", many("\"\"\"", 200_000)),
        (Format::Json, "lists in lists", many("[", 500_000)),
        (Format::Json, "objects in objects", many("{\"a\":", 200_000)),
        (
            Format::Json,
            "a hundred thousand members",
            format!("{{{keys}\"z\":1}}").into_bytes(),
        ),
        (
            Format::Json,
            "a number without end",
            [b"[1".to_vec(), many("0", MEGABYTE), b"]".to_vec()].concat(),
        ),
        (
            Format::Json,
            "a string of escapes",
            format!("[\"{}\"]", "\\ud800\\u0000\\\\".repeat(50_000)).into_bytes(),
        ),
        (
            Format::Json,
            "one name many times",
            format!("{{{}\"a\":1}}", "\"a\":1,".repeat(100_000)).into_bytes(),
        ),
    ];
    cases
        .into_iter()
        .map(|(format, name, bytes)| Hostile::new(format!("{format}: {name}"), format, bytes))
        .collect()
}

fn letters() -> Vec<Hostile> {
    let head = "From: a@example.org\r\nSubject: a\r\nMIME-Version: 1.0\r\n";
    let part = |i: usize| format!("Content-Type: multipart/mixed; boundary=b{i}\r\n\r\n--b{i}\r\n");
    let nested: String = (0..5_000).map(part).collect();
    let letters = "Content-Type: message/rfc822\r\n\r\nFrom: b\r\n".repeat(5_000);
    let same = "--x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n".repeat(20_000);
    let parts = "--x\r\nContent-Type: text/plain\r\n\r\na\r\n".repeat(50_000);
    let words = "=?utf-8?q?=C3?= =?utf-8?b?////?= ".repeat(50_000);
    let cases = [
        ("parts in parts", format!("{head}{nested}")),
        ("letters in letters", format!("{head}{letters}")),
        (
            "a boundary inside itself",
            format!("{head}Content-Type: multipart/mixed; boundary=x\r\n\r\n{same}"),
        ),
        (
            "fifty thousand parts",
            format!("{head}Content-Type: multipart/mixed; boundary=x\r\n\r\n{parts}"),
        ),
        ("encoded words", format!("{head}Comments: {words}\r\n\r\na")),
        (
            "a boundary of a megabyte",
            format!(
                "{head}Content-Type: multipart/mixed; boundary=\"{}\"\r\n\r\n--",
                "x".repeat(MEGABYTE)
            ),
        ),
        (
            "a head of five megabytes",
            format!("{head}X: {}\r\n\r\na", "y ".repeat(5 * MEGABYTE / 2)),
        ),
        (
            "addresses",
            format!(
                "From: {}\r\nSubject: a\r\n\r\na",
                "(((<\"a\",:;@b>".repeat(50_000)
            ),
        ),
        (
            "folds",
            format!("From: a\r\nSubject: {}\r\n\r\na", "\r\n ".repeat(200_000)),
        ),
        (
            "base64 that is none",
            format!(
                "{head}Content-Transfer-Encoding: base64\r\n\r\n{}",
                "====?\0".repeat(100_000)
            ),
        ),
        (
            "an unknown charset",
            format!("{head}Content-Type: text/plain; charset=\"../../x\"\r\n\r\n\u{e9}"),
        ),
        (
            "names that lead elsewhere",
            format!(
                "{head}Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Disposition: attachment; filename=\"../../etc/passwd\"\r\n\r\na\r\n--x--"
            ),
        ),
    ];
    cases
        .into_iter()
        .map(|(name, letter)| Hostile::new(format!("eml: {name}"), Format::Email, letter))
        .collect()
}

fn images() -> Vec<Hostile> {
    // A directory of tags that says that the next one is itself.
    let mut ring = b"II*\0\x08\0\0\0\x01\0".to_vec();
    ring.extend([0x00, 0x01, 3, 0, 1, 0, 0, 0, 1, 0, 0, 0]);
    ring.extend(8_u32.to_le_bytes());
    let mut bitmap = b"BM\xFF\xFF\xFF\x7F\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    bitmap.extend([0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 1, 0, 24, 0]);
    let cases = [
        ("a png of a million million dots", png(1_000_000, 1_000_000)),
        ("a png of no dots", png(0, 0)),
        ("a tiff that goes round", ring),
        ("a bitmap without end", bitmap),
        (
            "a jpeg of nothing",
            b"\xFF\xD8\xFF\xE0\0\x10JFIF\0\x01".to_vec(),
        ),
        ("a gif of nothing", b"GIF89a\xFF\xFF\xFF\xFF\xF7".to_vec()),
        (
            "a webp of nothing",
            b"RIFF\xFF\xFF\xFF\xFFWEBPVP8L".to_vec(),
        ),
    ];
    cases
        .into_iter()
        .map(|(name, bytes)| Hostile::new(name, Format::Image, bytes))
        .collect()
}

/// What is no document at all, under names of documents.
fn others() -> Vec<Hostile> {
    let mut gzip = vec![0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3];
    gzip.extend(&super::super::build::zlib_bomb(64 << 20)[2..]);
    let cases: [(&str, Vec<u8>); 8] = [
        ("a.pdf", b"\x7FELF\x02\x01\x01\0".repeat(100)),
        ("a.txt", gzip.clone()),
        ("a.docx", gzip),
        ("a.pdf", b"MZ\x90\0\x03\0".repeat(100)),
        ("a.html", b"\xCA\xFE\xBA\xBE\0\0\0\x34".to_vec()),
        (
            "../../etc/passwd",
            b"root:x:0:0:root:/root:/bin/sh\n".to_vec(),
        ),
        ("a.doc", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".repeat(64)),
        ("a.docx", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".repeat(64)),
    ];
    cases
        .into_iter()
        .map(|(name, bytes)| Hostile {
            name: name.to_owned(),
            format: None,
            bytes,
        })
        .collect()
}
