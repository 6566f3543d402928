import { familyOf } from 'brownian';
import { FIELDS, type Field, keyOf, valueOf, valueText } from '../config/fields.ts';
import { GROUP_TITLES } from '../config/schema.ts';
import type { Run } from '../runs/run.ts';
import type { ReportFacts } from './facts.ts';
import { type Markup, html } from './html.ts';

function row(field: Field, facts: ReportFacts): Markup {
  const value = valueText(valueOf({ ...facts.run.config }, field), ', ');
  const usual = valueOf(facts.defaults, field);
  const changed = usual !== undefined && valueText(usual, ', ') !== value;
  const unit = field.unit === '' ? '' : ` (${field.unit})`;
  const title = `${field.path}: ${field.description}${unit}${changed ? `; the default is ${valueText(usual, ', ')}` : ''}`;
  return html`<tr title="${title}">
    <th scope="row">${keyOf(field)}</th>
    <td class="number${changed ? ' changed' : ''}">${value}</td>
  </tr>`;
}

/** Every option of the run, in its groups; those that differ from the model's defaults are marked. */
export function settingsTables(facts: ReportFacts): Markup {
  const family = familyOf(facts.run.config.model);
  const fields = FIELDS.filter((field) => field.families.includes(family));
  const groups = [...new Set(fields.map((field) => field.group))];
  return html`<div class="groups">
    ${groups.map(
      (group) =>
        html`<section>
          <h3>${GROUP_TITLES[group] ?? group}</h3>
          <table>
            ${fields.filter((field) => field.group === group).map((field) => row(field, facts))}
          </table>
        </section>`,
    )}
  </div>`;
}

/** The machine the run was on. */
export function machineTable({ record }: Run): Markup {
  const { machine } = record;
  const rows: [string, string][] = [
    ['CPU', machine.cpu],
    [
      'Cores',
      `${machine.cores}, of which ${machine.threads} ${machine.threads === 1 ? 'thread was' : 'threads were'} used`,
    ],
    ['Memory', `${machine.memoryGB} GB`],
    ['System', machine.platform],
    ['Node', machine.node],
    ['Runtime', machine.runtime],
    ['Started', `${record.created.slice(0, 16).replace('T', ' ')} UTC`],
  ];
  return html`<table>
    ${rows.map(
      ([name, value]) =>
        html`<tr>
          <th scope="row">${name}</th>
          <td>${value}</td>
        </tr>`,
    )}
  </table>`;
}
