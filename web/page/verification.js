// The table of a verification, and its file.

const $ = (id) => document.getElementById(id);

export function download(name, type, content) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export class Verification {
  constructor(send) {
    this.rows = [];
    $('verify').addEventListener('click', () => {
      if (this.busy) {
        $('verify').disabled = true;
        $('verify-said').textContent = 'Ending with the check at hand ...';
        send('end');
        return;
      }
      const request = { cases: Math.max(1, Math.trunc(Number($('cases').value)) || 1) };
      this.rows = [];
      this.request = request;
      $('verify-rows').tBodies[0].replaceChildren();
      $('verify-rows').hidden = false;
      $('verify-save').disabled = true;
      this.goes(true);
      $('verify-said').textContent = 'Verifying ...';
      send('verify', { request });
    });
    $('verify-save').addEventListener('click', () => {
      const { request, summary } = this;
      const device = $('device').textContent;
      download('softq_verify.json', 'application/json', JSON.stringify({ device, request, summary, rows: this.rows }, null, 1));
    });
  }

  // While it runs, its button ends it.
  goes(busy) {
    this.busy = busy;
    $('verify').textContent = busy ? 'End' : 'Verify';
    $('verify').disabled = false;
  }

  row(row) {
    this.rows.push(row);
    const errors = row.twin ?? row.oracle;
    // null is what JSON makes of an infinite share: a wrong integer, or no number at all.
    const share = Math.max(...[row.twin, row.oracle].filter(Boolean).map((of) => of.share ?? Infinity));
    const cells = [
      row.name,
      row.cases,
      errors ? errors.words.toLocaleString('en') : '-',
      row.twin ? (row.twin.words - row.twin.differing).toLocaleString('en') : '-',
      row.twin ? row.twin.ulp.toLocaleString('en') : '-',
      !errors ? '-' : share === Infinity ? '∞' : share.toFixed(3),
      row.passed ? 'pass' : 'FAIL',
    ];
    const line = $('verify-rows').tBodies[0].insertRow();
    for (const cell of cells) line.insertCell().textContent = cell;
    line.cells[6].className = row.passed ? 'ok' : 'failed';
    line.title = row.failures.map((f) => `${f.binding}[${f.index}] is ${f.got}, should be ${f.want}; ${f.inputs}`).join('\n') || row.note;
    if (!$('verify').disabled) $('verify-said').textContent = `${this.rows.length} checks so far ...`;
  }

  done({ rows, ended, seconds }) {
    const passed = this.rows.filter((row) => row.passed).length;
    const twins = this.rows.map((row) => row.twin).filter(Boolean);
    const words = twins.reduce((sum, twin) => sum + twin.words, 0);
    const differing = twins.reduce((sum, twin) => sum + twin.differing, 0);
    this.summary = { checks: rows, ended, passed, words, differing, seconds };
    const until = ended ? ', and then it was ended' : '';
    $('verify-said').textContent = `${passed} of ${rows} checks passed in ${seconds.toFixed(0)} s${until}; ` +
      `${(words - differing).toLocaleString('en')} of ${words.toLocaleString('en')} words are bit-equal to the CPU's.`;
    $('verify-save').disabled = false;
    this.goes(false);
  }

  failed() {
    if (this.busy) $('verify-said').textContent = '';
    this.goes(false);
  }
}
