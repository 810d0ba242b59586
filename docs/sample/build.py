#!/usr/bin/env python3
"""Typesets the sample document that `glassbox dev` ships.

    pip install reportlab==5.1.0
    python docs/sample/build.py src/cli/dev/sample.pdf

The same input gives the same bytes: no dates, no random ids.
"""

import re
import sys

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import (
    BaseDocTemplate,
    Frame,
    KeepTogether,
    ListFlowable,
    ListItem,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

import content as c

INK = HexColor("#1c2530")
MUTED = HexColor("#5b6876")
ACCENT = HexColor("#0d5c75")
RULE = HexColor("#c9d2da")
SHADE = HexColor("#eef3f6")
MARGIN = 25 * mm
WIDTH = A4[0] - 2 * MARGIN

BODY = ParagraphStyle("body", fontName="Times-Roman", fontSize=11, leading=15.8, textColor=INK, spaceAfter=8, allowWidows=0, allowOrphans=0)
ITEM = ParagraphStyle("item", parent=BODY, spaceAfter=4)
TITLE = ParagraphStyle("title", parent=BODY, fontName="Helvetica-Bold", fontSize=21, leading=26, spaceAfter=4)
SUBTITLE = ParagraphStyle("subtitle", parent=BODY, fontName="Helvetica", fontSize=11, textColor=MUTED, spaceAfter=14)
H1 = ParagraphStyle("h1", parent=BODY, fontName="Helvetica-Bold", fontSize=14.5, leading=18, textColor=ACCENT, spaceBefore=16, spaceAfter=7, keepWithNext=1)
H2 = ParagraphStyle("h2", parent=H1, fontSize=11.5, leading=15, textColor=INK, spaceBefore=8, spaceAfter=4)
CELL = ParagraphStyle("cell", parent=BODY, fontSize=9.8, leading=12.6, spaceAfter=0)
RIGHT = ParagraphStyle("right", parent=CELL, alignment=TA_RIGHT)
HEAD = ParagraphStyle("head", parent=CELL, fontName="Helvetica-Bold", fontSize=8.6, leading=11.4)
HEAD_RIGHT = ParagraphStyle("head-right", parent=HEAD, alignment=TA_RIGHT)
STRONG = ParagraphStyle("strong", parent=CELL, fontName="Times-Bold")
STRONG_RIGHT = ParagraphStyle("strong-right", parent=STRONG, alignment=TA_RIGHT)
CAPTION = ParagraphStyle("caption", parent=BODY, fontName="Helvetica", fontSize=8.6, leading=11.4, textColor=MUTED, spaceBefore=3, spaceAfter=10)


def paragraphs(texts, style=BODY):
    return [Paragraph(text, style) for text in texts]


def bullets(texts):
    items = [ListItem(Paragraph(text, ITEM), leftIndent=12) for text in texts]
    return ListFlowable(items, bulletType="bullet", bulletFontSize=7, bulletOffsetY=-2.5, leftIndent=12, bulletColor=ACCENT)


def table(rows, widths, right=(), total=False, head=True):
    """A table with a shaded head; `right` names the columns set flush right."""
    cells = []
    for i, row in enumerate(rows):
        is_head, is_total = head and i == 0, total and i == len(rows) - 1
        left_style, right_style = CELL, RIGHT
        if is_head:
            left_style, right_style = HEAD, HEAD_RIGHT
        elif is_total:
            left_style, right_style = STRONG, STRONG_RIGHT
        cells.append([Paragraph(text, right_style if j in right else left_style) for j, text in enumerate(row)])
    style = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, RULE),
        ("TOPPADDING", (0, 0), (-1, -1), 3.2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3.8),
        ("LEFTPADDING", (0, 0), (-1, -1), 5),
        ("RIGHTPADDING", (0, 0), (-1, -1), 5),
    ]
    if head:
        style += [("BACKGROUND", (0, 0), (-1, 0), SHADE), ("LINEBELOW", (0, 0), (-1, 0), 0.8, ACCENT)]
    else:
        style += [("LINEABOVE", (0, 0), (-1, 0), 0.8, ACCENT)]
    if total:
        style.append(("LINEABOVE", (0, -1), (-1, -1), 0.8, ACCENT))
    return Table(cells, colWidths=[w * WIDTH for w in widths], repeatRows=1 if head else 0, style=TableStyle(style))


def factor(name, text):
    return Paragraph(f"<font name='Times-Bold'>{name}</font> {text}", BODY)


def caption(text):
    return Paragraph(text, CAPTION)


def story():
    """The document. Each section starts a page, so that no sentence is cut by one."""
    yield Paragraph(c.TITLE, TITLE)
    yield Paragraph(f"{c.COMPANY} · Reliability Engineering · 12 February 2026", SUBTITLE)
    yield Paragraph("1  Summary", H1)
    yield from paragraphs(c.SUMMARY)
    yield Paragraph("Key facts", H2)
    yield table([(f"<b>{k}</b>", v) for k, v in c.KEY_FACTS], [0.28, 0.72], head=False)
    yield PageBreak()

    yield Paragraph("2  Background", H1)
    yield Paragraph("2.1  How a request finds its object", H2)
    yield from paragraphs(c.BACKGROUND)
    yield Paragraph("2.2  Why the change was made", H2)
    yield from paragraphs(c.WHY_CHANGED)
    yield Paragraph("2.3  Who took part", H2)
    yield table(c.PEOPLE, [0.5, 0.28, 0.22])
    yield caption("Table 1. People named in this report, in the order in which they joined.")
    yield PageBreak()

    yield Paragraph("3  Timeline", H1)
    yield table([("UTC", "Event on 3 February 2026")] + c.TIMELINE, [0.1, 0.9])
    yield Spacer(1, 8)
    yield from paragraphs(c.TIMELINE_AFTER)
    yield PageBreak()

    yield Paragraph("4  Root cause", H1)
    yield Paragraph("4.1  What happened on the disks", H2)
    yield from paragraphs(c.ROOT_CAUSE)
    yield table(c.LATENCY_TABLE, [0.44, 0.28, 0.28], right=(1, 2))
    yield caption("Table 2. The metadata nodes before and during the incident; rates and latencies are averages over the nine nodes.")
    yield Paragraph("4.2  Why every node was changed at once", H2)
    yield from paragraphs(c.ROLLOUT_GAP)
    yield PageBreak()

    yield Paragraph("5  Contributing factors", H1)
    for name, text in c.FACTORS:
        yield factor(name, text)
    yield table(c.FACTOR_COSTS, [0.5, 0.11, 0.11, 0.12, 0.16], right=(1, 2, 3))
    yield caption("Table 3. What each factor cost, and the corrective action that answers it (section 8).")
    yield from paragraphs(c.FACTORS_AFTER)
    yield PageBreak()

    yield Paragraph("6  Impact in figures", H1)
    yield Paragraph("6.1  Requests", H2)
    yield table(c.REQUESTS, [0.31, 0.23, 0.23, 0.23], right=(1, 2, 3), total=True)
    yield caption("Table 4. Requests at the gateways of nw-1, retries included.")
    yield from paragraphs(c.REQUESTS_AFTER)
    yield Paragraph("6.2  Customers and credits", H2)
    yield table(c.CUSTOMERS, [0.14, 0.14, 0.12, 0.24, 0.17, 0.19], right=(1, 2, 3, 4, 5), total=True)
    yield caption("Table 5. Customers with at least one failed request, and what they are credited.")
    yield from paragraphs(c.CUSTOMERS_AFTER)
    yield Paragraph("6.3  Data", H2)
    yield from paragraphs(c.DATA)
    yield PageBreak()

    yield Paragraph("7  What we learned", H1)
    for title, items in [("7.1  What went well", c.WELL), ("7.2  What went badly", c.BADLY), ("7.3  Where we were lucky", c.LUCK)]:
        yield KeepTogether([Paragraph(title, H2), bullets(items)])
    yield PageBreak()

    yield Paragraph("8  Corrective actions", H1)
    yield table(c.ACTIONS, [0.07, 0.46, 0.18, 0.14, 0.15])
    yield Spacer(1, 8)
    yield from paragraphs(c.ACTIONS_AFTER)
    yield Paragraph("Terms", H2)
    for term, meaning in c.GLOSSARY:
        yield Paragraph(f"<b>{term}:</b> {meaning}", ITEM)


def number(text):
    return float(re.sub(r"[^0-9.]", "", text))


def check_sums():
    """A sample whose figures don't add up would teach an analyst nothing."""
    for rows, columns in [(c.REQUESTS, (1, 2)), (c.CUSTOMERS, (1, 2, 5))]:
        for column in columns:
            values = [number(row[column]) for row in rows[1:]]
            assert abs(sum(values[:-1]) - values[-1]) < 0.05, (rows[0][column], values)
    for row in c.REQUESTS[1:]:
        assert abs(100 * number(row[2]) / number(row[1]) - number(row[3])) < 0.6, row
    for row, rate in [(c.CUSTOMERS[1], 0.25), (c.CUSTOMERS[2], 0.10)]:
        assert number(row[3]) * rate == number(row[5]), row
    assert 926 * 5 == number(c.CUSTOMERS[3][5])
    assert abs(33.1 + 9.6 + 3.7 + 1.5 - 47.9) < 0.01 and 17 + 13 + 11 == 41
    assert round(100 * 1284 / 3410, 1) == 37.7 and round(100 * 47.9 / 61.4, 1) == 78.0
    assert 28 * 24 * 60 == 40320 and round(100 * (40320 - 248) / 40320, 2) == 99.38
    assert round(2900 * 5.4) == 15660 and 19 + 56 + 103 + 70 == 248


class Document(BaseDocTemplate):
    """Pages with a running head and a foot that counts them."""

    def __init__(self, path, pages):
        super().__init__(path, pagesize=A4, title=f"{c.COMPANY}: {c.TITLE}", author=c.AUTHOR, invariant=1, lang="en")
        frame = Frame(MARGIN, 22 * mm, WIDTH, A4[1] - 48 * mm, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0)
        self.pages = pages
        # The foot is drawn last, so that the page's text is in reading order.
        self.addPageTemplates(PageTemplate("page", [frame], onPage=self.running_head, onPageEnd=self.foot))

    def running_head(self, canvas, _):
        canvas.setFont("Helvetica", 8.2)
        canvas.setFillColor(MUTED)
        canvas.drawString(MARGIN, A4[1] - 17 * mm, c.RUNNING_HEAD)
        canvas.setStrokeColor(RULE)
        canvas.setLineWidth(0.5)
        canvas.line(MARGIN, A4[1] - 19.5 * mm, A4[0] - MARGIN, A4[1] - 19.5 * mm)

    def foot(self, canvas, _):
        canvas.setFont("Helvetica", 8.2)
        canvas.setFillColor(MUTED)
        canvas.drawString(MARGIN, 13 * mm, f"Page {canvas.getPageNumber()} of {self.pages}")


def main(path):
    check_sums()
    # The foot says how many pages there are, which is known after setting them once.
    draft = Document(path, pages=0)
    draft.build(list(story()))
    Document(path, draft.page).build(list(story()))


if __name__ == "__main__":
    main(sys.argv[1])
