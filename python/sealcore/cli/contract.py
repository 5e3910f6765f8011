"""The contract that the demonstration seals when no other PDF is given: four pages, Chinese and English."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sealcore.errors import MissingExtra

__all__ = ["KEYWORD", "write_contract"]

KEYWORD = "甲方(盖章)"
"""The words on the last page beside which the seal goes."""

_CLAUSES: Sequence[tuple[str, str, str, str]] = (
    (
        "第一条 标的",
        "乙方按附件一所列型号、数量和质量标准向甲方供应精密轴承，并对所供货物的来源和质量负责。",
        "1. Subject",
        "Party B supplies Party A with precision bearings of the types, quantities and quality listed in Annex 1, "
        "and answers for their origin and quality.",
    ),
    (
        "第二条 价款与支付",
        "合同总价为人民币壹佰贰拾万元整。甲方于验收合格后三十日内以银行转账方式支付。",
        "2. Price and payment",
        "The total price is CNY 1,200,000. Party A pays by bank transfer within thirty days of acceptance.",
    ),
    (
        "第三条 交货与验收",
        "乙方于每季度首月十五日前交货。甲方于收货后十个工作日内验收，逾期未提出异议的视为验收合格。",
        "3. Delivery and acceptance",
        "Party B delivers by the fifteenth of the first month of each quarter. Party A inspects within ten working "
        "days of receipt; goods to which no objection is raised in that time are accepted.",
    ),
    (
        "第四条 违约责任",
        "一方迟延履行的，每日按迟延部分价款的万分之五向对方支付违约金，累计不超过合同总价的百分之十。",
        "4. Liability",
        "A party in delay pays the other 0.05 percent of the delayed part of the price for each day, at most ten "
        "percent of the total price.",
    ),
    (
        "第五条 保密",
        "双方对因履行本合同知悉的商业秘密负有保密义务，该义务在合同终止后三年内继续有效。",
        "5. Confidentiality",
        "Each party keeps the business secrets learnt under this contract; the duty lasts three years beyond its end.",
    ),
    (
        "第六条 争议解决",
        "因本合同发生的争议由双方协商解决；协商不成的，提交甲方所在地人民法院诉讼解决。",
        "6. Disputes",
        "Disputes are settled by negotiation, failing which by the people's court at the seat of Party A.",
    ),
)


def write_contract(party_a: str, party_b: str, typeface: tuple[Path, int]) -> bytes:
    """Writes the contract.

    Args:
        party_a: The name of the company that seals.
        party_b: The other company.
        typeface: A file with Chinese glyphs and the index of the face in it.

    Returns:
        A PDF of four A4 pages; ``KEYWORD`` stands on the last.

    Raises:
        MissingExtra: fpdf2 is not installed.
    """
    try:
        fpdf: Any = importlib.import_module("fpdf")
    except ImportError as error:
        raise MissingExtra('writing the contract needs fpdf2: pip install "sealcore[demo]"', extra="demo") from error

    class Contract(fpdf.FPDF):  # type: ignore[misc]  # fpdf is loaded on demand
        def footer(self) -> None:
            self.set_y(-15)
            self.set_font("zh", size=9)
            self.cell(0, 8, f"第 {self.page_no()} 页 / Page {self.page_no()} of {{nb}}", align="C")

    pdf = Contract(format="A4")
    pdf.set_margin(25)
    pdf.set_auto_page_break(True, margin=22)
    path, face = typeface
    pdf.add_font("zh", fname=path, collection_font_number=face)
    pdf.set_title("采购合同 Supply contract")
    pdf.set_creation_date(datetime.now(UTC))
    pdf.add_page()
    pdf.set_font("zh", size=22)
    pdf.multi_cell(0, 14, "采购合同\nSUPPLY CONTRACT", align="C", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(6)
    pdf.set_font("zh", size=11)
    for line in (f"甲方 Party A: {party_a}", f"乙方 Party B: {party_b}", "合同编号 No.: HT-2026-0718"):
        pdf.multi_cell(0, 9, line, new_x="LMARGIN", new_y="NEXT")
    pdf.ln(4)
    for number, clause in enumerate(_CLAUSES):
        if number in {2, 4}:
            pdf.add_page()
        _clause(pdf, *clause)
    pdf.add_page()
    pdf.set_font("zh", size=11)
    pdf.multi_cell(
        0,
        8,
        "本合同一式两份，双方各执一份，自双方盖章之日起生效。\n"
        "This contract is made in two originals, one for each party, and takes effect when both have sealed it.",
        align="L",
        new_x="LMARGIN",
        new_y="NEXT",
    )
    pdf.ln(18)
    for words, name in ((KEYWORD, party_a), ("乙方(盖章)", party_b)):
        pdf.cell(0, 9, f"{words}: ", new_x="LMARGIN", new_y="NEXT")
        pdf.ln(34)
        pdf.multi_cell(0, 8, f"{name}\n日期 Date: ____ 年 ____ 月 ____ 日", new_x="LMARGIN", new_y="NEXT")
        pdf.ln(14)
    return bytes(pdf.output())


def _clause(pdf: Any, chinese_title: str, chinese: str, english_title: str, english: str) -> None:
    # Chinese breaks between any two characters, English between words.
    for title, text, wrap in ((chinese_title, chinese, "CHAR"), (english_title, english, "WORD")):
        pdf.set_font("zh", size=14)
        pdf.multi_cell(0, 11, title, align="L", new_x="LMARGIN", new_y="NEXT")
        pdf.set_font("zh", size=12)
        pdf.multi_cell(0, 9, text, align="L", wrapmode=wrap, new_x="LMARGIN", new_y="NEXT")
        pdf.ln(5)
