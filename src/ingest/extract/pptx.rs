//! PPTX: PresentationML (ECMA-376 part 1) in a ZIP. A slide is a segment, in the order
//! in which slides are shown, which their names don't tell; what the speaker noted
//! follows it as a segment of the same slide.

use super::assemble::{Assembly, Place, one_line};
use super::format::OLE_MAGIC;
use super::package::Package;
use super::xml::{self, Attributes, Token};
use super::{Extracted, Failure, FailureClass, properties};

/// What the segments of notes are called.
const NOTES: &str = "Notes";
/// Slides of one presentation.
const MAX_SLIDES: usize = 5_000;

/// The slides with their notes.
pub(super) fn extract(bytes: &[u8]) -> Result<Extracted, Failure> {
    if bytes.starts_with(OLE_MAGIC) {
        return Err(Failure::new(
            FailureClass::Encrypted,
            "The presentation is protected by a password, or of PowerPoint 97's format; upload a plain .pptx.",
        ));
    }
    let mut package = Package::open(bytes)?;
    let slides = order(&mut package)?;
    let mut assembly = Assembly::default();
    for (slide, part) in (1..).zip(&slides) {
        let Some(source) = package.part(part)? else {
            continue;
        };
        let shown = Shown::read(&source)?;
        let mut place = Place {
            slide: Some(slide),
            heading: shown.title,
            ..Place::default()
        };
        assembly.block(place.clone(), &shown.text);
        for note in package.relations(part)?.into_values() {
            if note.kind != "notesSlide" {
                continue;
            }
            if let Some(source) = package.part(&note.target)? {
                let title = place.heading.take();
                place.heading = Some(title.map_or(NOTES.into(), |t| format!("{t} > {NOTES}")));
                assembly.block(place.clone(), &Shown::read(&source)?.text);
            }
        }
    }
    let mut metadata = properties::of(&mut package)?;
    metadata.slides = u32::try_from(slides.len()).ok();
    Ok(assembly.finish(metadata))
}

/// The parts of the slides, in the order of the presentation.
fn order(package: &mut Package<'_>) -> Result<Vec<String>, Failure> {
    let main = package.main_part("ppt/presentation.xml")?;
    let Some(source) = package.part(&main)? else {
        return Err(Failure::malformed(
            "The presentation is damaged: its main part is missing.",
        ));
    };
    let mut relations = package.relations(&main)?;
    let mut slides = Vec::new();
    xml::read(&source, |token| {
        if let Token::Start("sldId", attributes) = token
            && let Some(id) = attributes.get_prefixed("id")
            && let Some(relation) = relations.remove(&id)
        {
            slides.push(relation.target);
        }
    })?;
    if slides.len() > MAX_SLIDES {
        return Err(Failure::new(
            FailureClass::TooLarge,
            "The presentation has more slides than we read.",
        ));
    }
    Ok(slides)
}

/// What one slide, or one page of notes, shows.
#[derive(Debug, Default)]
struct Shown {
    title: Option<String>,
    text: String,
}

/// A walk through the shapes of a slide.
#[derive(Debug, Default)]
struct Walk {
    shown: Shown,
    paragraph: String,
    cells: Vec<String>,
    /// Whether what comes is the slide's title.
    title: bool,
    /// Whether what comes is a number or date that each slide repeats.
    furniture: bool,
    in_text: bool,
    in_cell: bool,
}

impl Shown {
    fn read(source: &str) -> Result<Self, Failure> {
        let mut walk = Walk::default();
        xml::read(source, |token| match token {
            Token::Start(name, attributes) => walk.start(name, &attributes),
            Token::End(name) => walk.end(name),
            Token::Text(text) if walk.in_text && !walk.furniture => walk.paragraph.push_str(&text),
            Token::Text(_) => {}
        })?;
        Ok(walk.shown)
    }
}

impl Walk {
    fn start(&mut self, name: &str, attributes: &Attributes<'_>) {
        match name {
            "sp" => (self.title, self.furniture) = (false, false),
            // A shape's place in the layout says what it is for.
            "ph" => {
                let kind = attributes.get("type").unwrap_or_default();
                self.title = matches!(kind.as_str(), "title" | "ctrTitle");
                self.furniture = matches!(kind.as_str(), "sldNum" | "dt" | "ftr" | "hdr");
            }
            "t" => self.in_text = true,
            "br" => self.paragraph.push('\n'),
            "tc" => {
                self.in_cell = true;
                self.cells.push(String::new());
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "t" => self.in_text = false,
            "p" => self.end_paragraph(),
            "tc" => self.in_cell = false,
            "tr" => {
                let row = std::mem::take(&mut self.cells).join("\t");
                self.line(&row);
            }
            "txBody" | "tbl" if !self.in_cell => self.line(""),
            "sp" => (self.title, self.furniture) = (false, false),
            _ => {}
        }
    }

    fn end_paragraph(&mut self) {
        let paragraph = std::mem::take(&mut self.paragraph);
        if paragraph.trim().is_empty() {
            return;
        }
        if let (true, Some(cell)) = (self.in_cell, self.cells.last_mut()) {
            if !cell.is_empty() {
                cell.push(' ');
            }
            cell.push_str(&one_line(&paragraph));
            return;
        }
        if self.title && self.shown.title.is_none() {
            self.shown.title = Some(one_line(&paragraph)).filter(|title| !title.is_empty());
        }
        self.line(&paragraph);
    }

    fn line(&mut self, line: &str) {
        self.shown.text.push_str(line);
        self.shown.text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::super::docx::fixture;
    use super::*;

    fn deck() -> Vec<u8> {
        let relation = |id: &str, kind: &str, target: &str| {
            format!(
                "<Relationships><Relationship Id=\"{id}\" Type=\"x/{kind}\" Target=\"{target}\"/>"
            )
        };
        let mut main = relation("rId1", "slide", "slides/slide7.xml");
        main.push_str("<Relationship Id=\"rId2\" Type=\"x/slide\" Target=\"/ppt/slides/slide2.xml\"/></Relationships>");
        let notes = relation("rId1", "notesSlide", "../notesSlides/n.xml") + "</Relationships>";
        fixture::package(&[
            (
                "ppt/presentation.xml",
                "<p><l><sldId id=\"256\" r:id=\"rId2\"/><sldId id=\"257\" r:id=\"rId1\"/></l></p>",
            ),
            ("ppt/_rels/presentation.xml.rels", &main),
            (
                "ppt/slides/slide2.xml",
                "<s><sp><nv><ph type=\"title\"/></nv><txBody><p><r><t>Why &amp; how</t></r></p></txBody></sp>\
                 <sp><nv><ph type=\"sldNum\"/></nv><txBody><p><fld><t>1</t></fld></p></txBody></sp>\
                 <tbl><tr><tc><txBody><p><t>a</t></p></txBody></tc><tc><txBody><p><t>b</t></p></txBody></tc></tr></tbl></s>",
            ),
            ("ppt/slides/_rels/slide2.xml.rels", &notes),
            (
                "ppt/notesSlides/n.xml",
                "<s><sp><txBody><p><t>Speak slowly.</t></p></txBody></sp></s>",
            ),
            (
                "ppt/slides/slide7.xml",
                "<s><sp><txBody><p><t>Last</t></p></txBody></sp></s>",
            ),
        ])
    }

    #[test]
    fn slides_come_as_they_are_shown_with_title_table_and_notes() {
        let extracted = extract(&deck()).unwrap();
        let chars: Vec<char> = extracted.text.chars().collect();
        let parts: Vec<(u32, Option<&str>, String)> = extracted
            .segments
            .iter()
            .map(|s| {
                let text = chars[s.start..s.end].iter().collect();
                (s.slide.unwrap(), s.heading.as_deref(), text)
            })
            .collect();
        assert_eq!(
            parts,
            [
                (1, Some("Why & how"), "Why & how\n\n\na\tb".to_owned()),
                (1, Some("Why & how > Notes"), "Speak slowly.".to_owned()),
                (2, None, "Last".to_owned()),
            ]
        );
        assert_eq!(extracted.metadata.slides, Some(2));
    }
}
