import { App, TerraformStack, Testing } from "cdktf";
import { ImageRepository, type ImageRepositoryProps } from "../../modules/image-repository";
import { pinnedTag } from "../../modules/pinned-images";

interface Rule {
  readonly rulePriority: number;
  readonly selection: Readonly<Record<string, unknown>>;
}

function rulesOf(props: Partial<ImageRepositoryProps> = {}): readonly Rule[] {
  const stack = new TerraformStack(new App(), "shared");
  new ImageRepository(stack, "images", { name: "agt-images", ...props });
  const { resource } = JSON.parse(Testing.synth(stack)) as {
    resource: { aws_ecr_lifecycle_policy: Readonly<Record<string, { policy: string }>> };
  };
  const [policy] = Object.values(resource.aws_ecr_lifecycle_policy);
  return (JSON.parse(policy?.policy ?? "") as { rules: Rule[] }).rules;
}

/** The first rule whose tags match an image: none after it can expire the image. */
const ruleFor = (rules: readonly Rule[], tags: readonly string[]) =>
  rules.find(({ selection: { tagStatus, tagPrefixList } }) => {
    if (tagStatus === "any") return true;
    if (tagStatus === "untagged") return tags.length === 0;
    return (tagPrefixList as readonly string[]).every((prefix) => tags.some((tag) => tag.startsWith(prefix)));
  });

describe("an image repository", () => {
  const digest = `sha256:${"0123456789abcdef".repeat(4)}`;

  it("counts pinned images by themselves, before all others", () => {
    const rules = rulesOf();
    expect(ruleFor(rules, ["3f2a9c81d0e4", pinnedTag("prod", digest)])?.selection).toMatchObject({
      countType: "imageCountMoreThan",
      countNumber: 1000,
    });
    expect(ruleFor(rules, ["3f2a9c81d0e4"])?.selection).toMatchObject({
      countType: "imageCountMoreThan",
      countNumber: 100,
    });
    expect(ruleFor(rules, [])?.selection).toMatchObject({ countType: "sinceImagePushed", countNumber: 7 });
  });

  it("has its rules in their order, and that for any image last, as ECR wants it", () => {
    const rules = rulesOf();
    expect(rules.map(({ rulePriority }) => rulePriority)).toEqual([1, 2, 3]);
    expect(rules.map(({ selection }) => selection.tagStatus)).toEqual(["tagged", "untagged", "any"]);
  });

  it("keeps as many as it is told", () => {
    expect(rulesOf({ keep: 5, keepPinned: 50 }).map(({ selection }) => selection.countNumber)).toEqual([
      50, 7, 5,
    ]);
  });
});

describe("the tag of a pinned image", () => {
  it("names the environment and the digest", () => {
    expect(pinnedTag("pr-17", `sha256:${"0123456789abcdef".repeat(4)}`)).toBe("pinned-pr-17-0123456789ab");
  });
});
