// Every header of a table becomes a button that sorts its column; without a script the table stays as it was written.
{
  const order = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const NUMBER = /^(?:< )?([+\u2212-]?[\d,]*\.?\d+)%?(?=$|[\s;])/;  // 0.658 [0.625, 0.690] is sorted by 0.658
  const NOTHING = /^(?:\u2013|n\/a|)$/;

  const valueOf = text => {
    const found = NUMBER.exec(text);
    return found ? Number(found[1].replaceAll(",", "").replace("\u2212", "-")) : null;
  };

  const sort = (table, column, rises) => {
    const body = table.tBodies[0];
    const rows = [...body.rows].map(row => {
      const text = row.cells[column].textContent.trim();
      return { row, text, value: valueOf(text), isEmpty: NOTHING.test(text) };
    });
    const areNumbers = rows.every(({ value, isEmpty }) => isEmpty || value !== null);
    const compared = areNumbers ? (a, b) => a.value - b.value : (a, b) => order.compare(a.text, b.text);
    const sign = rises ? 1 : -1;
    rows.sort((a, b) => a.isEmpty - b.isEmpty || (a.isEmpty ? 0 : sign * compared(a, b)));
    body.append(...rows.map(({ row }) => row));
  };

  for (const table of document.querySelectorAll("table.sorts")) {
    if (table.tBodies[0].rows.length < 2) continue;
    const heads = [...table.tHead.rows[0].cells];
    for (const [column, head] of heads.entries()) {
      const button = document.createElement("button");
      button.type = "button";
      button.title = "Sort the rows by this column";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const rises = head.getAttribute("aria-sort") === "descending";
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", rises ? "ascending" : "descending");
        sort(table, column, rises);
      });
    }
  }
}
