//! XLSX: the sheets of a workbook, row by row, read by calamine.
//!
//! Cells come as a stream. Asking for a sheet as a whole would lay out the rectangle
//! around its cells, and one cell in the last corner makes that 17 thousand million.

use std::io::Cursor;

use calamine::{DataRef, ExcelDateTime, Reader, SheetType, Xlsx, XlsxError};

use super::assemble::{Assembly, Place, one_line};
use super::format::OLE_MAGIC;
use super::package::Package;
use super::{Extracted, Failure, FailureClass, properties};

/// Rows of a segment: few enough to be quoted, enough that a table is not dust.
const ROWS_OF_A_SEGMENT: u32 = 50;
/// Cells of a workbook. A report of a million rows is data, not a document.
const MAX_CELLS: usize = 2_000_000;
/// Empty cells in a row that are kept as such; further away, columns tell nothing.
const MAX_GAP: u32 = 32;

/// The sheets in their order; a segment is some rows of one.
pub(super) fn extract(bytes: &[u8]) -> Result<Extracted, Failure> {
    if bytes.starts_with(OLE_MAGIC) {
        return Err(Failure::new(
            FailureClass::Encrypted,
            "The workbook is protected by a password, or of Excel 97's format; upload a plain .xlsx.",
        ));
    }
    let mut package = Package::open(bytes)?;
    package.refuse_bombs()?;
    let mut metadata = properties::of(&mut package)?;
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(refusal)?;
    let sheets: Vec<String> = book
        .sheets_metadata()
        .iter()
        .filter(|sheet| sheet.typ == SheetType::WorkSheet)
        .map(|sheet| sheet.name.clone())
        .collect();
    metadata.sheets = u32::try_from(sheets.len()).ok();
    let mut assembly = Assembly::default();
    let mut cells = MAX_CELLS;
    for sheet in sheets {
        read(&mut book, &sheet, &mut assembly, &mut cells)?;
    }
    Ok(assembly.finish(metadata))
}

fn read(
    book: &mut Xlsx<Cursor<&[u8]>>,
    sheet: &str,
    assembly: &mut Assembly,
    left: &mut usize,
) -> Result<(), Failure> {
    let mut cells = match book.worksheet_cells_reader(sheet) {
        Ok(cells) => cells,
        // A chart fills such a sheet, or the workbook names one that isn't there.
        Err(XlsxError::WorksheetNotFound(_) | XlsxError::NotAWorksheet(_)) => return Ok(()),
        Err(error) => return Err(refusal(error)),
    };
    let mut rows = Rows::new(sheet, assembly);
    while let Some(cell) = cells.next_cell().map_err(refusal)? {
        *left = left.checked_sub(1).ok_or_else(too_large)?;
        let text = shown(cell.get_value());
        if !text.trim().is_empty() {
            let (row, column) = cell.get_position();
            rows.add(row, column, &text);
        }
    }
    rows.end();
    Ok(())
}

/// A cell as its column shows it, as far as that can be told.
fn shown(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Empty => String::new(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number.to_string(),
        DataRef::String(text) => one_line(text),
        DataRef::SharedString(text) => one_line(text),
        DataRef::Bool(value) => if *value { "TRUE" } else { "FALSE" }.to_owned(),
        DataRef::DateTime(moment) => date(moment),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => one_line(text),
        DataRef::Error(error) => error.to_string(),
    }
}

/// A date without the time that it doesn't have; a duration in hours.
fn date(moment: &ExcelDateTime) -> String {
    if moment.is_duration() {
        let minutes = (moment.as_f64() * 24.0 * 60.0).round();
        return format!("{}:{:02}", (minutes / 60.0).trunc(), minutes % 60.0);
    }
    match moment.as_datetime() {
        Some(when) if when.time() == chrono::NaiveTime::MIN => when.format("%Y-%m-%d").to_string(),
        Some(when) => when.format("%Y-%m-%d %H:%M:%S").to_string(),
        None => moment.as_f64().to_string(),
    }
}

/// The rows of a sheet on their way into segments.
struct Rows<'a> {
    sheet: &'a str,
    assembly: &'a mut Assembly,
    text: String,
    /// The first and last row, and column, of the segment; from 0.
    rows: Option<(u32, u32)>,
    columns: (u32, u32),
    /// The column after the last cell of this row.
    next: u32,
}

impl<'a> Rows<'a> {
    fn new(sheet: &'a str, assembly: &'a mut Assembly) -> Self {
        Rows {
            sheet,
            assembly,
            text: String::new(),
            rows: None,
            columns: (0, 0),
            next: 0,
        }
    }

    fn add(&mut self, row: u32, column: u32, text: &str) {
        // Rows that go backwards are no table; they begin anew.
        if let Some((first, last)) = self.rows
            && (row < last || row - first >= ROWS_OF_A_SEGMENT)
        {
            self.end();
        }
        match &mut self.rows {
            None => {
                self.rows = Some((row, row));
                self.columns = (column, column);
                self.next = 0;
            }
            Some((_, last)) if *last == row => self.text.push('\t'),
            Some((_, last)) => {
                *last = row;
                self.text.push('\n');
                self.next = 0;
            }
        }
        let gap = column.saturating_sub(self.next).min(MAX_GAP);
        self.text.extend((0..gap).map(|_| '\t'));
        self.text.push_str(text);
        self.next = column.saturating_add(1);
        self.columns = (self.columns.0.min(column), self.columns.1.max(column));
    }

    fn end(&mut self) {
        let Some((first, last)) = self.rows.take() else {
            return;
        };
        let place = Place {
            sheet: Some(self.sheet.to_owned()),
            cells: Some(format!(
                "{}{}:{}{}",
                letters(self.columns.0),
                first + 1,
                letters(self.columns.1),
                last + 1
            )),
            ..Place::default()
        };
        self.assembly.block(place, &std::mem::take(&mut self.text));
    }
}

/// A column's letters: `A` for 0, `AA` for 26.
fn letters(column: u32) -> String {
    let mut out = String::new();
    let mut rest = column.saturating_add(1);
    while rest > 0 {
        rest -= 1;
        let letter = u8::try_from(rest % 26).unwrap_or_default();
        out.insert(0, char::from(b'A' + letter));
        rest /= 26;
    }
    out
}

fn refusal(error: XlsxError) -> Failure {
    match error {
        XlsxError::Password => Failure::new(
            FailureClass::Encrypted,
            "The workbook is protected by a password; upload a copy without one.",
        ),
        _ => Failure::malformed("The workbook is damaged, or not an .xlsx."),
    }
}

fn too_large() -> Failure {
    Failure::new(
        FailureClass::TooLarge,
        format!("The workbook has more than {MAX_CELLS} cells."),
    )
}

#[cfg(test)]
mod tests {
    use super::super::docx::fixture;
    use super::*;

    fn book(rows: &str) -> Vec<u8> {
        fixture::package(&[
            (
                "[Content_Types].xml",
                "<Types><Default Extension=\"xml\" ContentType=\"application/xml\"/></Types>",
            ),
            (
                "_rels/.rels",
                "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>",
            ),
            (
                "xl/workbook.xml",
                "<workbook xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"><sheets><sheet name=\"Costs &amp; more\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>",
            ),
            (
                "xl/_rels/workbook.xml.rels",
                "<Relationships><Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" Target=\"worksheets/sheet1.xml\"/><Relationship Id=\"rId2\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles\" Target=\"styles.xml\"/></Relationships>",
            ),
            (
                "xl/styles.xml",
                "<styleSheet><cellXfs count=\"2\"><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs></styleSheet>",
            ),
            (
                "xl/worksheets/sheet1.xml",
                &format!("<worksheet><sheetData>{rows}</sheetData></worksheet>"),
            ),
        ])
    }

    #[test]
    fn cells_keep_their_columns_and_segments_name_their_place() {
        let bytes = book(
            "<row r=\"2\"><c r=\"B2\" t=\"inlineStr\"><is><t>Year</t></is></c><c r=\"D2\"><v>2.5</v></c></row>\
             <row r=\"3\"><c r=\"B3\" s=\"1\"><v>45292</v></c><c r=\"C3\" t=\"b\"><v>1</v></c></row>\
             <row r=\"90\"><c r=\"AB90\"><v>7</v></c></row>",
        );
        let extracted = extract(&bytes).unwrap();
        let tabs = "\t".repeat(27);
        assert_eq!(
            extracted.text,
            format!("\tYear\t\t2.5\n\t2024-01-01\tTRUE\n\n{tabs}7")
        );
        let places: Vec<_> = extracted
            .segments
            .iter()
            .map(|s| (s.sheet.as_deref().unwrap(), s.cells.as_deref().unwrap()))
            .collect();
        assert_eq!(
            places,
            [("Costs & more", "B2:D3"), ("Costs & more", "AB90:AB90")]
        );
        assert_eq!(extracted.metadata.sheets, Some(1));
    }

    #[test]
    fn a_cell_in_the_last_corner_costs_nothing() {
        let bytes = book("<row r=\"1048576\"><c r=\"XFD1048576\"><v>1</v></c></row>");
        let extracted = extract(&bytes).unwrap();
        assert_eq!(extracted.text.trim(), "1");
        assert_eq!(
            extracted.segments[0].cells.as_deref(),
            Some("XFD1048576:XFD1048576")
        );
    }

    #[test]
    fn columns_count_in_letters() {
        assert_eq!(
            [0, 25, 26, 701, 702, 16_383].map(letters),
            ["A", "Z", "AA", "ZZ", "AAA", "XFD"]
        );
    }
}
