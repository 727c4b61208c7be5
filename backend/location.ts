/** Where a stack's state lives and how it is locked. */
export interface StateLocation {
  readonly bucket: string;
  readonly key: string;
  readonly region: string;
  /** DynamoDB table with the lock, unless only S3 locks. */
  readonly lockTable?: string;
  /** Whether S3's own lock file (`<key>.tflock`) is used. */
  readonly lockFile: boolean;
}
