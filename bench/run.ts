import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Fresh, peakMemory, startUp } from './fresh.ts';
import { type Lines, measure } from './measure.ts';
import { HELP, type Options, readOptions } from './options.ts';
import { startBest } from './peers/best-of.ts';
import type { Running, Startable } from './peers/contender.ts';
import { PEERS, brownian } from './peers/table.ts';
import { profile } from './profile.ts';
import { type Report, type StartupReport, type WorkloadReport, formatReport, geometricMean } from './table.ts';
import { compare } from './verify.ts';
import type { Workload } from './workload.ts';
import { STARTUP, WORKLOADS } from './workloads/table.ts';

const OURS = 'Brownian';
/** Fresh processes per contender whose start-up is measured. */
const STARTUP_ROUNDS = 3;

/** Contenders that could be started, and why others could not. */
interface Field {
  readonly running: Map<string, Running>;
  readonly launches: Map<string, Startable>;
  readonly missing: Record<string, string>;
}

async function startAll({ peers, threads }: Options): Promise<Field> {
  const unknown = peers?.find((name) => name !== 'none' && !(name in PEERS));
  if (unknown !== undefined)
    throw new RangeError(`--peers: there is no "${unknown}"; there are ${Object.keys(PEERS).join(', ')}.`);
  const chosen = Object.entries(PEERS).filter(([name]) => peers === undefined || peers.includes(name));
  const field: Field = { running: new Map(), launches: new Map(), missing: {} };
  for (const contender of [brownian, ...chosen.map(([, peer]) => peer)]) {
    const launch = await contender.launch(threads);
    if ('missing' in launch) {
      field.missing[contender.name] = launch.missing;
      continue;
    }
    field.launches.set(contender.name, launch);
    field.running.set(contender.name, await startBest(contender.name, launch));
  }
  return field;
}

function chosenWorkloads({ only }: Options): readonly Workload[] {
  if (only.length === 0) return WORKLOADS;
  const chosen = WORKLOADS.filter(({ name }) => only.some((part) => name.includes(part)));
  if (chosen.length === 0)
    throw new RangeError(`--only matches no workload; there are ${WORKLOADS.map(({ name }) => name).join(', ')}.`);
  return chosen;
}

/** Contenders whose fresh processes are measured, ours and PyTorch, as tuning chose. */
function freshOnes({ launches }: Field, lines: Lines): Fresh[] {
  return [OURS, 'PyTorch'].flatMap((name) => {
    const launch = launches.get(name);
    const line = lines[name];
    if (launch === undefined || line?.time === undefined) return [];
    return [{ name, launch, format: line.format, environment: line.environment }];
  });
}

/** Something measured in a fresh process of each. */
async function ofEach(
  fresh: readonly Fresh[],
  measured: (one: Fresh) => Promise<number>,
): Promise<Record<string, number>> {
  const result: Record<string, number> = {};
  for (const one of fresh) result[one.name] = await measured(one);
  return result;
}

function log(options: Options, text: string): void {
  if (!options.json) console.error(text);
}

async function measureAll(options: Options, field: Field, folder: string): Promise<Report> {
  const ours = field.running.get(OURS) as Running;
  const workloads: WorkloadReport[] = [];
  const startup: StartupReport[] = [];
  const before = await ours.ask('peak', {});
  for (const workload of chosenWorkloads(options)) {
    const file = join(folder, workload.name);
    log(options, `${workload.title} …`);
    const lines = await measure(workload, field.running, file, options);
    const { name, title } = workload;
    const fresh = options.quick ? [] : freshOnes(field, lines);
    workloads.push({ name, title, lines, memory: await ofEach(fresh, (one) => peakMemory(one, workload, file)) });
    if (!options.quick && STARTUP.includes(name)) {
      startup.push({ title, times: await ofEach(fresh, (one) => startUp(one, workload, file, STARTUP_ROUNDS)) });
    }
  }
  const after = await ours.ask('peak', {});
  return {
    machine: `${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, load ${loadavg()
      .map((load) => load.toFixed(1))
      .join(' ')}`,
    versions: Object.fromEntries([...field.running].map(([name, { version }]) => [name, version])),
    missing: field.missing,
    threads: options.threads,
    peak: Math.max(before.gflops, after.gflops),
    workloads,
    startup,
  };
}

/** Compares one step of a workload with a peer and prints the outcome; true when all results agree. */
async function verifyOne(workload: Workload, ours: Running, peer: Running, file: string): Promise<boolean> {
  const label = `${workload.name}, ${peer.version}`;
  let differences: Awaited<ReturnType<typeof compare>>;
  try {
    differences = await compare(workload, ours, peer, file);
  } catch (error) {
    console.log(`FAILED  ${label}: ${(error as Error).message}`);
    return false;
  }
  if (typeof differences === 'string') {
    console.log(`not compared  ${label}: ${differences}`);
    return true;
  }
  const bad = differences.filter(({ error, tolerance }) => !(error <= tolerance));
  const worst = differences.reduce((a, b) => (b.error / b.tolerance > a.error / a.tolerance ? b : a));
  console.log(
    `${bad.length === 0 ? 'same' : 'DIFFERENT'}  ${label}: ${differences.length} results, worst ${worst.name} ${worst.error.toExponential(1)} of ${worst.tolerance}`,
  );
  for (const { name, error, tolerance } of bad) console.log(`  ${name}: ${error.toExponential(2)} of ${tolerance}`);
  return bad.length === 0;
}

async function verifyAll(options: Options, { running, missing }: Field, folder: string): Promise<boolean> {
  const { [OURS]: ours, ...peers } = Object.fromEntries(running);
  if (Object.keys(peers).length === 0)
    throw new Error(
      `--verify needs a peer. ${Object.entries(missing)
        .map(([name, reason]) => `${name}: ${reason}.`)
        .join(' ')}`,
    );
  let fine = true;
  for (const workload of chosenWorkloads(options)) {
    for (const peer of Object.values(peers))
      fine = (await verifyOne(workload, ours as Running, peer, join(folder, workload.name))) && fine;
  }
  return fine;
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options.help) return console.log(HELP);
  if (options.list) return console.log(WORKLOADS.map(({ name, title }) => `${name.padEnd(20)} ${title}`).join('\n'));
  if (options.profile) {
    for (const workload of chosenWorkloads(options)) console.log(`${await profile(workload, options.threads)}\n`);
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'brownian-bench-'));
  const field = await startAll(options);
  try {
    if (options.verify) {
      if (!(await verifyAll(options, field, folder))) process.exitCode = 1;
    } else {
      const report = await measureAll(options, field, folder);
      console.log(
        options.json
          ? JSON.stringify({ ...report, geometricMean: geometricMean(report) }, null, 2)
          : formatReport(report),
      );
    }
  } finally {
    await Promise.all([...field.running.values()].map((running) => running.close()));
    rmSync(folder, { recursive: true });
  }
}

try {
  await main();
} catch (error) {
  console.error(`bench: ${(error as Error).message}`);
  process.exitCode = 1;
}
