//! Documents made by hand, byte by byte where their own writers would refuse.

use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;

/// A PDF of these objects, numbered from 1; the first is the catalog.
pub fn pdf(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"%PDF-1.4\n".to_vec();
    let mut offsets = Vec::new();
    for (i, object) in objects.iter().enumerate() {
        offsets.push(out.len());
        writeln!(out, "{} 0 obj", i + 1).unwrap();
        out.extend(object);
        out.extend(b"\nendobj\n");
    }
    let xref = out.len();
    write!(out, "xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).unwrap();
    for offset in offsets {
        writeln!(out, "{offset:010} 00000 n ").unwrap();
    }
    let size = objects.len() + 1;
    write!(
        out,
        "trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{xref}\n%%EOF\n"
    )
    .unwrap();
    out
}

pub fn stream(dictionary: &str, content: &[u8]) -> Vec<u8> {
    let mut out = format!("<< {dictionary} /Length {} >>\nstream\n", content.len()).into_bytes();
    out.extend(content);
    out.extend(b"\nendstream");
    out
}

/// A PDF of one page in Helvetica; `resources` is added to the page's own, `extra`
/// are the objects from number 6 on.
pub fn page(content: Vec<u8>, resources: &str, extra: &[Vec<u8>]) -> Vec<u8> {
    let page = format!(
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 5 0 R \
         /Resources << /Font << /F1 4 0 R >> {resources} >> >>"
    );
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        page.into_bytes(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_vec(),
        content,
    ];
    objects.extend_from_slice(extra);
    pdf(&objects)
}

pub fn hello() -> Vec<u8> {
    page(
        stream("", b"BT /F1 12 Tf 72 700 Td (Hello, world.) Tj ET"),
        "",
        &[],
    )
}

/// A zlib stream that unpacks to about `bytes` spaces, 159 times its own length.
///
/// One block with the fixed codes of RFC 1951: a literal, then over and over "258
/// bytes from one byte back", which takes 13 bits, so the bytes repeat every 13.
pub fn zlib_bomb(bytes: usize) -> Vec<u8> {
    let mut bits = vec![true, true, false]; // final block, fixed codes
    bits.extend([false, true, false, true, false, false, false, false]); // the literal ' '
    for _ in 0..24 {
        bits.extend([true, true, false, false, false, true, false, true]); // length 258
        bits.extend([false; 5]); // distance 1
    }
    let octets: Vec<u8> = bits
        .chunks(8)
        .map(|chunk| {
            chunk
                .iter()
                .enumerate()
                .map(|(i, bit)| u8::from(*bit) << i)
                .sum()
        })
        .collect();
    let (head, rest) = octets.split_at(2);
    let (period, _) = rest.split_at(13);
    let mut out = vec![0x78, 0x01];
    out.extend(head);
    for _ in 0..bytes / (8 * 258) {
        out.extend(period);
    }
    out
}

pub fn docx(document: &[u8]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer
        .start_file("word/document.xml", SimpleFileOptions::default())
        .unwrap();
    writer.write_all(document).unwrap();
    writer.finish().unwrap().into_inner()
}

/// A ZIP of these parts, packed.
pub fn package(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        writer
            .start_file(*name, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// An entry of a ZIP that is written as it is said, true or not.
pub struct Entry {
    pub name: Vec<u8>,
    pub content: Vec<u8>,
    /// Where the directory says that it begins; where it does, if `None`.
    pub offset: Option<u32>,
    /// How long the directory says that it is, packed and unpacked.
    pub claimed: Option<(u32, u32)>,
    pub flags: u16,
    pub method: u16,
}

impl Entry {
    /// One that is stored and true.
    pub fn stored(name: &str, content: &[u8]) -> Self {
        Entry {
            name: name.into(),
            content: content.into(),
            offset: None,
            claimed: None,
            flags: 0,
            method: 0,
        }
    }
}

/// A ZIP of these entries, whose end claims `count` of them.
pub fn raw_zip(entries: &[Entry], count: Option<u16>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut directory = Vec::new();
    for entry in entries {
        let begin = out.len() as u32;
        let size = entry.content.len() as u32;
        let crc = crc(&entry.content);
        let name = entry.name.len() as u16;
        let head = |out: &mut Vec<u8>, packed: u32, unpacked: u32| {
            for field in [20, entry.flags, entry.method, 0, 0x21] {
                out.extend(field.to_le_bytes());
            }
            for field in [crc, packed, unpacked] {
                out.extend(field.to_le_bytes());
            }
            out.extend(name.to_le_bytes());
            out.extend([0, 0]);
        };
        out.extend(b"PK\x03\x04");
        head(&mut out, size, size);
        out.extend(&entry.name);
        out.extend(&entry.content);
        let (packed, unpacked) = entry.claimed.unwrap_or((size, size));
        directory.extend(b"PK\x01\x02\x14\0");
        head(&mut directory, packed, unpacked);
        directory.extend([0; 10]);
        directory.extend(entry.offset.unwrap_or(begin).to_le_bytes());
        directory.extend(&entry.name);
    }
    let (begin, size) = (out.len() as u32, directory.len() as u32);
    let count = count.unwrap_or(entries.len() as u16).to_le_bytes();
    out.extend(directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count);
    out.extend(count);
    out.extend(size.to_le_bytes());
    out.extend(begin.to_le_bytes());
    out.extend([0, 0]);
    out
}

/// CRC-32 as ZIP has it, bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}
