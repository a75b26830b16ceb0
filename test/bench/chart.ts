import { type Chart, format } from "./figure.ts";

const [width, labelWidth, valueWidth, barHeight, gap, top] = [720, 260, 110, 22, 10, 40];

/** Horizontal bars from zero; the gateway's own stands out. */
export function drawBars({ title, unit, bars }: Chart): string {
  const largest = Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE);
  const height = top + bars.length * (barHeight + gap) + gap;
  const rows = bars.map(({ label, value }, i) => {
    const y = top + i * (barHeight + gap);
    const length = ((width - labelWidth - valueWidth) * value) / largest;
    return [
      `<text x="${labelWidth - 8}" y="${y + 16}" text-anchor="end">${escapeText(label)}</text>`,
      `<rect x="${labelWidth}" y="${y}" width="${length.toFixed(1)}" height="${barHeight}" rx="2" fill="${i === 0 ? "#2563eb" : "#94a3b8"}"/>`,
      `<text x="${(labelWidth + length + 8).toFixed(1)}" y="${y + 16}">${format(value)} ${escapeText(unit)}</text>`,
    ].join("\n");
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13">
<title>${escapeText(title)}</title>
<rect width="${width}" height="${height}" fill="#fff"/>
<text x="8" y="24" font-size="15" font-weight="bold">${escapeText(title)}</text>
${rows.join("\n")}
</svg>
`;
}

function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
