import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ResourceNotFoundException,
} from "@aws-sdk/client-dynamodb";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  NoSuchBucket,
  NoSuchKey,
  paginateListObjectsV2,
  PutObjectCommand,
  S3Client,
  type DeleteMarkerEntry,
  type ListObjectVersionsCommandOutput,
  type ObjectVersion,
} from "@aws-sdk/client-s3";
import { createHash } from "node:crypto";
import { LandfallError } from "../environments/errors";
import type { StateLocation } from "./location";
import { describeHolder, type LockHolder } from "./lock-holder";

export type { LockHolder } from "./lock-holder";

/** How AWS is reached, where the SDK is not to find it out by itself. */
export interface Connection {
  readonly endpoint: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** A state, as far as it is used here. */
export interface State {
  readonly outputs: Outputs;
  readonly resources: readonly StateResource[];
}
export interface StateResource {
  readonly mode: "managed" | "data";
  readonly type: string;
  readonly name: string;
  /** One for each of `count` or `for_each`. */
  readonly instances?: readonly unknown[];
}

/** How many resources a state has, each of `count` and `for_each` as one. */
export const countManaged = (state: State | undefined): number =>
  (state?.resources ?? [])
    .filter(({ mode }) => mode === "managed")
    .reduce((sum, { instances }) => sum + (instances?.length ?? 1), 0);
export type Outputs = Readonly<Record<string, { readonly value: unknown; readonly sensitive?: boolean }>>;

/** A stack's state among the others of the bucket. */
export interface StoredState {
  readonly name: string;
  readonly modified: Date;
  /** In bytes. */
  readonly size: number;
}

/** What a stack's state was at a time. */
export interface StoredVersion {
  /** S3's; `null` of a bucket that kept no versions then. */
  readonly id: string;
  readonly modified: Date;
  /** In bytes; 0 for a deletion. */
  readonly size: number;
  /** Whether it says that the state was deleted. */
  readonly deleted: boolean;
  readonly latest: boolean;
}

/** AWS says that whoever asks may not. */
export class AccessDenied extends LandfallError {}

/** A state that is none, such as an empty object. */
export class StateBroken extends LandfallError {}

/** A version that the bucket has no longer. */
export class VersionGone extends LandfallError {}

/** What the backend holds of one stack. Every method throws {@link LandfallError} where AWS refuses. */
export class StateStore {
  private readonly s3: S3Client;
  private readonly dynamodb: DynamoDBClient;

  constructor(
    private readonly location: StateLocation,
    connection?: Connection,
  ) {
    this.s3 = new S3Client({ region: location.region, ...connection });
    this.dynamodb = new DynamoDBClient({ region: location.region, ...connection });
  }

  /** Whether there is a bucket of that name. @default the state's */
  async hasBucket(name = this.location.bucket): Promise<boolean> {
    const listing = this.s3.send(new ListObjectsV2Command({ Bucket: name, MaxKeys: 1 }));
    return (await absentAsUndefined(listing, `bucket ${name}`)) !== undefined;
  }

  /** Whether there is the lock table; false too where none is wanted. */
  async hasLockTable(): Promise<boolean> {
    const { lockTable } = this.location;
    if (!lockTable) return false;
    const description = this.dynamodb.send(new DescribeTableCommand({ TableName: lockTable }));
    return (await absentAsUndefined(description, `table ${lockTable}`)) !== undefined;
  }

  /** Names of the stacks that have a state in the bucket. */
  async stacks(): Promise<readonly string[]> {
    return (await this.states()).map(({ name }) => name);
  }

  /** The states in the bucket. */
  async states(): Promise<readonly StoredState[]> {
    const { bucket } = this.location;
    const listing = async () => {
      const found: StoredState[] = [];
      for await (const { Contents = [] } of paginateListObjectsV2({ client: this.s3 }, { Bucket: bucket })) {
        for (const { Key = "", LastModified = new Date(0), Size = 0 } of Contents) {
          const name = /^([^/]+)\/terraform\.tfstate$/.exec(Key)?.[1];
          if (name !== undefined) found.push({ name, modified: LastModified, size: Size });
        }
      }
      return found;
    };
    return (await absentAsUndefined(listing(), `bucket ${bucket}`)) ?? [];
  }

  /** All that the stack's state was, newest first, as far as the bucket keeps it. */
  async versions(): Promise<readonly StoredVersion[]> {
    const { bucket, key } = this.location;
    const all = async () => {
      const found: StoredVersion[] = [];
      let from: { KeyMarker?: string; VersionIdMarker?: string } | undefined = {};
      while (from) {
        const page: ListObjectVersionsCommandOutput = await this.s3.send(
          new ListObjectVersionsCommand({ Bucket: bucket, Prefix: key, ...from }),
        );
        const own = ({ Key }: ObjectVersion | DeleteMarkerEntry) => Key === key; // not the lock file's
        found.push(
          ...(page.Versions ?? []).filter(own).map((version) => storedVersion(version, version.Size)),
          ...(page.DeleteMarkers ?? []).filter(own).map((marker) => storedVersion(marker)),
        );
        from = page.IsTruncated
          ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker }
          : undefined;
      }
      return found;
    };
    const found = (await absentAsUndefined(all(), `bucket ${bucket}`)) ?? [];
    // S3 tells seconds; within one, its own order stays
    return [...found].sort(
      (a, b) => Number(b.latest) - Number(a.latest) || b.modified.getTime() - a.modified.getTime(),
    );
  }

  /**
   * The text of the state as it was at a version.
   * @throws {VersionGone} where the bucket has it no longer
   */
  async readVersion(id: string): Promise<string> {
    const body = await this.object(this.location.key, id);
    if (body !== undefined) return body;
    throw new VersionGone(`The bucket ${this.location.bucket} no longer has the version ${id}.`, {
      mend: "It was removed by hand, or by the bucket's lifecycle rules.",
    });
  }

  /**
   * Writes a state as the newest version, and its checksum where a table keeps one, as Terraform does. The caller holds
   * the lock.
   */
  async write(body: string): Promise<void> {
    const { bucket, key } = this.location;
    const put = new PutObjectCommand({
      Bucket: bucket,
      Key: key,
      Body: body,
      ContentType: "application/json",
      ServerSideEncryption: "AES256", // what `encrypt` of the backend asks for
    });
    await explaining(this.s3.send(put), `bucket ${bucket}`);
    await this.writeChecksum(body);
  }

  /** Whether a table keeps the state's checksum. */
  get keepsChecksum(): boolean {
    return this.location.lockTable !== undefined;
  }

  /** Writes the checksum of the state that is in the bucket, where a table keeps one. The caller holds the lock. */
  async writeChecksum(body: string): Promise<void> {
    const { lockTable } = this.location;
    if (!lockTable) return;
    const Item = { ...this.lockKey("-md5"), Digest: { S: createHash("md5").update(body).digest("hex") } };
    await explaining(
      this.dynamodb.send(new PutItemCommand({ TableName: lockTable, Item })),
      `table ${lockTable}`,
    );
  }

  /** The stack's state, undefined where it was never deployed. @throws {StateBroken} */
  async read(): Promise<State | undefined> {
    const { bucket, key } = this.location;
    const body = await this.object(key);
    if (body === undefined) return undefined;
    try {
      const state = JSON.parse(body) as Partial<State> | null;
      if (state?.outputs && Array.isArray(state.resources)) return state as State;
    } catch {
      // said below
    }
    const [stack = ""] = key.split("/");
    throw new StateBroken(
      `The state ${key} in the bucket ${bucket} is empty, or no state that can be read here.`,
      {
        mend: `Go back to what it was: ./landfall state history ${stack}, then ./landfall state restore ${stack} VERSION`,
      },
    );
  }

  /** Who holds the stack's lock, undefined where it is free. */
  async lockHolder(): Promise<LockHolder | undefined> {
    const { lockFile } = this.location;
    const text = (await this.lockItem()) ?? (lockFile ? await this.object(this.lockFileKey) : undefined);
    return text === undefined ? undefined : (JSON.parse(text) as LockHolder);
  }

  /**
   * Takes the stack's lock, wherever the binary would take it.
   * @returns undefined where it is ours now, else who has it
   */
  async takeLock(lock: LockHolder): Promise<LockHolder | undefined> {
    const { bucket, key, lockTable, lockFile } = this.location;
    const text = JSON.stringify({ ...lock, Info: "", Version: "", Path: `${bucket}/${key}` });
    if (lockFile) {
      const put = new PutObjectCommand({
        Bucket: bucket,
        Key: this.lockFileKey,
        Body: text,
        IfNoneMatch: "*",
        ContentType: "application/json",
        ServerSideEncryption: "AES256",
      });
      if (!(await isDone(this.s3.send(put), `bucket ${bucket}`))) return this.holderOr(lock);
    }
    if (!lockTable) return undefined;
    const put = new PutItemCommand({
      TableName: lockTable,
      Item: { ...this.lockKey(), Info: { S: text } },
      ConditionExpression: "attribute_not_exists(LockID)",
    });
    let taken = false;
    try {
      taken = await isDone(this.dynamodb.send(put), `table ${lockTable}`);
      return taken ? undefined : await this.holderOr(lock);
    } finally {
      if (lockFile && !taken) await this.removeLockFile();
    }
  }

  /** @throws {LandfallError} where nobody has the lock by now, or it is that one */
  private async holderOr({ ID }: LockHolder): Promise<LockHolder> {
    const holder = await this.lockHolder();
    if (holder && holder.ID !== ID) return holder;
    throw new LandfallError("The state was locked a moment ago; nothing was changed.", {
      mend: "Try again.",
    });
  }

  private async removeLockFile(): Promise<void> {
    await this.s3.send(new DeleteObjectCommand({ Bucket: this.location.bucket, Key: this.lockFileKey }));
  }

  /**
   * Takes the lock away from its holder, in the table and in the bucket. Done here and not by `force-unlock`, which
   * needs the provider installed and fails where only one of the two is held.
   * @throws {LandfallError} where another has it by now
   */
  async releaseLock({ ID }: LockHolder): Promise<void> {
    const holder = await this.lockHolder();
    if (holder && holder.ID !== ID) {
      throw new LandfallError(
        `Another run has the lock by now, and it was left alone: it is ${describeHolder(holder)}.`,
      );
    }
    const { lockTable, lockFile } = this.location;
    if (lockTable) {
      await this.dynamodb.send(new DeleteItemCommand({ TableName: lockTable, Key: this.lockKey() }));
    }
    if (lockFile) await this.removeLockFile();
  }

  /** Forgets the checksum of a state that is not in the bucket; Terraform would wait for that state and then fail. */
  async forgetChecksum(): Promise<void> {
    const { lockTable } = this.location;
    if (lockTable)
      await this.dynamodb.send(new DeleteItemCommand({ TableName: lockTable, Key: this.lockKey("-md5") }));
  }

  private get lockFileKey(): string {
    return `${this.location.key}.tflock`;
  }

  private lockKey(suffix = ""): { LockID: { S: string } } {
    return { LockID: { S: `${this.location.bucket}/${this.location.key}${suffix}` } };
  }

  private async lockItem(): Promise<string | undefined> {
    const { lockTable } = this.location;
    if (!lockTable) return undefined;
    const get = new GetItemCommand({ TableName: lockTable, Key: this.lockKey(), ConsistentRead: true });
    return (await absentAsUndefined(this.dynamodb.send(get), `table ${lockTable}`))?.Item?.Info?.S;
  }

  private async object(key: string, version?: string): Promise<string | undefined> {
    const { bucket } = this.location;
    const get = this.s3.send(new GetObjectCommand({ Bucket: bucket, Key: key, VersionId: version }));
    return (await absentAsUndefined(get, `bucket ${bucket}`))?.Body?.transformToString();
  }
}

const storedVersion = (
  { VersionId = "null", LastModified = new Date(0), IsLatest = false }: ObjectVersion | DeleteMarkerEntry,
  size?: number,
): StoredVersion => ({
  id: VersionId,
  modified: LastModified,
  size: size ?? 0,
  deleted: size === undefined,
  latest: IsLatest,
});

async function explaining<T>(call: Promise<T>, subject: string): Promise<T> {
  try {
    return await call;
  } catch (error) {
    throw explained(error as AwsError, subject);
  }
}

/** Whether AWS has done it; false where its condition was not met. */
async function isDone(call: Promise<unknown>, subject: string): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    const { name, $metadata } = error as AwsError;
    const unmet = ["PreconditionFailed", "ConditionalRequestConflict"].includes(name);
    if (unmet || $metadata?.httpStatusCode === 412 || error instanceof ConditionalCheckFailedException)
      return false;
    throw explained(error as AwsError, subject);
  }
}

/** What AWS answers, undefined where what was asked for is not there. */
async function absentAsUndefined<T>(call: Promise<T>, subject: string): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    const absent = [NoSuchBucket, NoSuchKey, ResourceNotFoundException].some((kind) => error instanceof kind);
    if (absent || ["NoSuchBucket", "NoSuchVersion"].includes((error as Error).name)) return undefined;
    throw explained(error as AwsError, subject);
  }
}

type AwsError = Error & { readonly code?: string; readonly $metadata?: { readonly httpStatusCode?: number } };

const credentialErrors =
  /Credentials|Token|InvalidAccessKeyId|SignatureDoesNotMatch|UnrecognizedClient|InvalidClientTokenId|AuthFailure/;
const networkErrors = /ENOTFOUND|ECONNREFUSED|ECONNRESET|EAI_AGAIN|ETIMEDOUT|TimeoutError/;

/** AWS's refusal in words that say what to do. */
export function explained(error: AwsError, subject: string): LandfallError {
  const { name, message, code = "", $metadata } = error;
  if (credentialErrors.test(name)) {
    return new LandfallError(`AWS does not take the credentials: ${message}`, {
      mend: "Sign in anew (such as `aws sso login`), or set AWS_PROFILE.",
    });
  }
  if (networkErrors.test(`${name} ${code}`)) {
    return new LandfallError(`AWS does not answer: ${message}`, {
      mend: "Check the network and the region.",
    });
  }
  // DynamoDB's has the status of a wrong request
  if ($metadata?.httpStatusCode === 403 || name === "AccessDeniedException") {
    return new AccessDenied(
      `Access to the ${subject} is denied: it belongs to another account, or you may not.`,
      {
        mend: "Check the account of your credentials. Where the name is taken by somebody else, change TF_VAR_name_prefix or TF_VAR_state_bucket in shared.env.",
      },
    );
  }
  if ($metadata?.httpStatusCode === 301 || name === "AuthorizationHeaderMalformed") {
    return new LandfallError(`The ${subject} is in another region.`, {
      mend: "Correct TF_VAR_region in shared.env, or change TF_VAR_name_prefix or TF_VAR_state_bucket.",
    });
  }
  return new LandfallError(`AWS refuses for the ${subject}: ${message} (${name}).`);
}
