from __future__ import annotations

from mmskin.report.sections.audit import audit_section


def test_of_many_findings_ten_are_told_and_notes_stand_apart() -> None:
    findings = [{"level": "leak", "kind": "flags", "text": f"finding {k}"} for k in range(12)]
    findings.append({"level": "note", "kind": "counts", "text": "few"})
    section = audit_section({"summary": "s", "leaks": 12, "findings": findings}, address="audit/audit.html")
    assert list(section.items) == [f"Leak: finding {k}" for k in range(10)]
    assert section.link is not None
    assert "2 more leaks and suspicions" in section.link.words
    assert section.grids[0].rows == [["Counts", "few"]]
