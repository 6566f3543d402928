import { checkFile } from './check.ts';
import { ReferenceError } from './reference.ts';

const USAGE = `Usage: npm run golden -- FILE…

Computes each reference file and prints the worst relative error |a−b| / max|expected| of every expected tensor.
A field, an input or an expected tensor that a file's kind does not know is refused, so that nothing in a file is ignored.
Exits with 1 if one exceeds the file's rtol or a file cannot be read.

Example: npm run golden -- conformance/golden/*.json`;

async function report(file: string): Promise<boolean> {
  try {
    const { kind, rtol, tensors } = await checkFile(file);
    const passed = tensors.every((tensor) => tensor.passed);
    console.log(`${passed ? 'pass' : 'FAIL'}  ${file}  (${kind}, rtol ${rtol})`);
    for (const { name, error, passed: ok } of tensors)
      console.log(`      ${ok ? ' ' : '!'} ${name.padEnd(24)} ${error.toExponential(2)}`);
    return passed;
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    console.log(`FAIL  ${error.message}`);
    return false;
  }
}

const files = process.argv.slice(2);
if (files.length === 0 || files.includes('--help')) {
  console.log(USAGE);
  process.exitCode = files.length === 0 ? 2 : 0;
} else {
  let failed = 0;
  for (const file of files) if (!(await report(file))) failed++;
  console.log(`${files.length - failed} of ${files.length} files pass`);
  process.exitCode = failed === 0 ? 0 : 1;
}
