import { writeReport } from '../report/report.ts';
import type { Context, ExitCode } from './context.ts';

/** `brownian report`: writes a run's report anew from what its folder holds. @throws UserError when the folder is no run. */
export async function reportCommand(context: Context, run: string): Promise<ExitCode> {
  const file = await writeReport(run);
  context.print(`Report: ${file}`);
  return 0;
}
