import {
  DeleteItemCommand,
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  ResourceNotFoundException,
} from "@aws-sdk/client-dynamodb";
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  NoSuchBucket,
  NoSuchKey,
  paginateListObjectsV2,
  S3Client,
} from "@aws-sdk/client-s3";
import { LandfallError } from "../environments/errors";
import type { StateLocation } from "./location";

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

/** Who holds a lock, as Terraform and OpenTofu write it down. */
export interface LockHolder {
  readonly ID: string;
  /** Such as `OperationTypeApply`. */
  readonly Operation: string;
  /** User and machine. */
  readonly Who: string;
  /** ISO 8601. */
  readonly Created: string;
}

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
    const { bucket } = this.location;
    const listing = async () => {
      const names: string[] = [];
      for await (const { Contents = [] } of paginateListObjectsV2({ client: this.s3 }, { Bucket: bucket })) {
        names.push(
          ...Contents.flatMap(({ Key }) => /^([^/]+)\/terraform\.tfstate$/.exec(Key ?? "")?.[1] ?? []),
        );
      }
      return names;
    };
    return (await absentAsUndefined(listing(), `bucket ${bucket}`)) ?? [];
  }

  /** The stack's state, undefined where it was never deployed. */
  async read(): Promise<State | undefined> {
    const body = await this.object(this.location.key);
    return body === undefined ? undefined : (JSON.parse(body) as State);
  }

  /** Who holds the stack's lock, undefined where it is free. */
  async lockHolder(): Promise<LockHolder | undefined> {
    const { lockFile } = this.location;
    const text = (await this.lockItem()) ?? (lockFile ? await this.object(this.lockFileKey) : undefined);
    return text === undefined ? undefined : (JSON.parse(text) as LockHolder);
  }

  /**
   * Takes the lock away from its holder, in the table and in the bucket. Done here and not by `force-unlock`, which
   * needs the provider installed and fails where only one of the two is held.
   * @throws {LandfallError} where another has it by now
   */
  async releaseLock({ ID }: LockHolder): Promise<void> {
    const holder = await this.lockHolder();
    if (holder && holder.ID !== ID) {
      throw new LandfallError(`The lock is now held by another run, of ${holder.Who}; it was left alone.`);
    }
    const { bucket, lockTable, lockFile } = this.location;
    if (lockTable) {
      await this.dynamodb.send(new DeleteItemCommand({ TableName: lockTable, Key: this.lockKey() }));
    }
    if (lockFile) await this.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: this.lockFileKey }));
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

  private async object(key: string): Promise<string | undefined> {
    const { bucket } = this.location;
    const get = this.s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return (await absentAsUndefined(get, `bucket ${bucket}`))?.Body?.transformToString();
  }
}

/** What AWS answers, undefined where what was asked for is not there. */
async function absentAsUndefined<T>(call: Promise<T>, subject: string): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    const absent = [NoSuchBucket, NoSuchKey, ResourceNotFoundException].some((kind) => error instanceof kind);
    if (absent || (error as Error).name === "NoSuchBucket") return undefined;
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
  if ($metadata?.httpStatusCode === 403) {
    return new LandfallError(
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
