//! E-mail (RFC 5322 with MIME): who wrote what to whom, and which files came with it.
//! The files themselves are not read; whoever wants them uploads them.

use mail_parser::{Address, Message, MessageParser, MimeHeaders, PartType};

use super::assemble::{Assembly, Place, one_line};
use super::{Extracted, Failure, Metadata, html};

/// Parts of one letter that are read.
const MAX_PARTS: usize = 1_000;

/// The letter's head, its text, and the names of its attachments, each a segment.
pub(super) fn extract(bytes: &[u8]) -> Result<Extracted, Failure> {
    let message = MessageParser::default()
        .parse(bytes)
        .filter(|message| message.from().is_some() || message.subject().is_some())
        .ok_or_else(|| Failure::malformed("The file is not an e-mail."))?;
    let metadata = Metadata {
        title: message.subject().map(one_line).filter(|s| !s.is_empty()),
        author: message.from().map(names).filter(|names| !names.is_empty()),
        created: message.date().map(|date| date.to_rfc3339()),
        ..Metadata::default()
    };
    let mut assembly = Assembly::default();
    assembly.block(under("Head"), &head(&message, &metadata));
    for part in message.text_bodies().take(MAX_PARTS) {
        match &part.body {
            PartType::Text(text) => assembly.block(under("Text"), text),
            PartType::Html(source) => html::read(source).into_sections(&mut assembly, &["Text"]),
            _ => {}
        }
    }
    assembly.block(under("Attachments"), &attachments(&message));
    Ok(assembly.finish(metadata))
}

fn under(heading: &str) -> Place {
    Place::under(Some(heading.to_owned()))
}

fn head(message: &Message<'_>, metadata: &Metadata) -> String {
    let lines = [
        ("Subject", metadata.title.clone()),
        ("From", metadata.author.clone()),
        ("To", message.to().map(names)),
        ("Cc", message.cc().map(names)),
        ("Date", metadata.created.clone()),
    ];
    let lines = lines.into_iter();
    let lines = lines.filter_map(|(name, said)| Some(format!("{name}: {}", said?)));
    lines.collect::<Vec<_>>().join("\n")
}

/// People as `Name <address>`, or whatever of it there is.
fn names(address: &Address<'_>) -> String {
    let people = address.iter().filter_map(|person| {
        let name = person.name.as_deref().map(one_line);
        let address = person.address.as_deref().map(one_line);
        match (name.filter(|n| !n.is_empty()), address) {
            (Some(name), Some(address)) => Some(format!("{name} <{address}>")),
            (one, other) => one.or(other),
        }
    });
    people.collect::<Vec<_>>().join(", ")
}

fn attachments(message: &Message<'_>) -> String {
    let each = message.attachments().take(MAX_PARTS).map(|part| {
        let name = part.attachment_name().map(one_line);
        let kind = part.content_type().map(|kind| match kind.subtype() {
            Some(subtype) => format!("{}/{subtype}", kind.ctype()),
            None => kind.ctype().to_owned(),
        });
        let name = name.unwrap_or_else(|| "without a name".to_owned());
        match kind {
            Some(kind) => format!("Attachment: {name} ({kind})"),
            None => format!("Attachment: {name}"),
        }
    });
    each.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::super::FailureClass;
    use super::*;

    #[test]
    fn a_letter_tells_its_head_its_text_and_its_attachments() {
        let letter = b"From: =?utf-8?q?J=C3=B6rg?= <j@example.org>\r\nTo: a@example.org, B <b@example.org>\r\n\
            Subject: The =?utf-8?q?gr=C3=B6=C3=9Fere?= plan\r\nDate: Mon, 23 Nov 2026 10:00:00 +0100\r\n\
            MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n\
            --x\r\nContent-Type: text/html; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
            <p>Gr=FC=DFe<script>x</script></p>\r\n\
            --x\r\nContent-Type: application/pdf; name=\"a.pdf\"\r\nContent-Disposition: attachment; filename=\"a.pdf\"\r\n\r\nxx\r\n--x--\r\n";
        let extracted = extract(letter).unwrap();
        assert_eq!(
            extracted.text,
            "Subject: The größere plan\nFrom: Jörg <j@example.org>\nTo: a@example.org, B <b@example.org>\n\
             Date: 2026-11-23T10:00:00+01:00\n\nGrüße\n\nAttachment: a.pdf (application/pdf)"
        );
        assert_eq!(
            extracted.metadata.title.as_deref(),
            Some("The größere plan")
        );
        let headings: Vec<_> = extracted
            .segments
            .iter()
            .map(|s| s.heading.as_deref())
            .collect();
        assert_eq!(headings, [Some("Head"), Some("Text"), Some("Attachments")]);
    }

    #[test]
    fn what_has_neither_sender_nor_subject_is_no_letter() {
        assert_eq!(
            extract(b"just words").unwrap_err().class,
            FailureClass::Malformed
        );
    }
}
