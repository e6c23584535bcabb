/**
 * The templates of one stage as plain values, so that a check can be run on them and again on a copy that somebody broke.
 */
import { type Resource, STACKS, type StackName, type StageName, synthesise } from './synthesised.ts';

export interface TemplateJson {
  readonly Resources: Record<string, Resource>;
  readonly Outputs?: Record<string, { readonly Value: unknown; readonly Export?: { readonly Name: string } }>;
}

/** One resource and where it stands. */
export interface Placed {
  readonly stack: StackName;
  readonly id: string;
  readonly type: string;
  readonly properties: Record<string, unknown>;
}

export interface Statement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Principal?: '*' | Record<string, unknown>;
  readonly Action?: string | string[];
  readonly NotAction?: string | string[];
  readonly Resource?: unknown;
  readonly Condition?: Record<string, Record<string, unknown>>;
}

export class Templates {
  readonly stage: StageName;
  readonly byStack: Readonly<Record<StackName, TemplateJson>>;

  private constructor(stage: StageName, byStack: Readonly<Record<StackName, TemplateJson>>) {
    this.stage = stage;
    this.byStack = byStack;
  }

  /** @param useCase a folder. @default - the smallest with all parts */
  static async of(stage: StageName, useCase?: string): Promise<Templates> {
    const { template } = await synthesise(stage, useCase);
    return new Templates(
      stage,
      Object.fromEntries(STACKS.map((stack) => [stack, template(stack).toJSON()])) as Record<StackName, TemplateJson>,
    );
  }

  /** A copy in which `change` broke something. @throws Error when it changed nothing */
  broken(change: (resource: Placed) => void): Templates {
    const copy = new Templates(this.stage, structuredClone(this.byStack));
    for (const resource of copy.all()) change(resource);
    if (JSON.stringify(copy.byStack) === JSON.stringify(this.byStack)) throw new Error('the change changes nothing');
    return copy;
  }

  all(...types: readonly string[]): Placed[] {
    return STACKS.flatMap((stack) =>
      Object.entries(this.byStack[stack].Resources)
        .filter(([, { Type }]) => types.length === 0 || types.includes(Type))
        .map(([id, { Type, Properties }]) => ({ stack, id, type: Type, properties: Properties ?? {} })),
    );
  }

  /** The resource that a reference points to, in its own or another stack; undefined for anything else. */
  target(stack: StackName, value: unknown): Placed | undefined {
    if (typeof value !== 'object' || value === null) return undefined;
    const node = value as Record<string, unknown>;
    const behind = this.behind(node);
    if (behind !== undefined) return this.target(behind.stack, behind.value);
    const id = node.Ref ?? (node['Fn::GetAtt'] as string[] | undefined)?.[0];
    const resource = typeof id === 'string' ? this.byStack[stack].Resources[id] : undefined;
    if (resource === undefined) return undefined;
    return { stack, id: id as string, type: resource.Type, properties: resource.Properties ?? {} };
  }

  /** What an import or a look-up stands for in the stack that it comes from. */
  behind(node: Record<string, unknown>): { readonly stack: StackName; readonly value: unknown } | undefined {
    const exported = node['Fn::ImportValue'];
    const lookedUp = (node['Fn::GetStackOutput'] as { OutputName: string } | undefined)?.OutputName;
    if (exported === undefined && lookedUp === undefined) return undefined;
    for (const stack of STACKS) {
      for (const [name, { Value, Export }] of Object.entries(this.byStack[stack].Outputs ?? {})) {
        if (exported === undefined ? name === lookedUp : Export?.Name === exported) return { stack, value: Value };
      }
    }
    return undefined;
  }
}

export function sameResource(one: Placed | undefined, other: Placed | undefined): boolean {
  return one !== undefined && one.stack === other?.stack && one.id === other.id;
}

export function statementsOf(policy: unknown): Statement[] {
  return (policy as { Statement?: Statement[] } | undefined)?.Statement ?? [];
}

/** Values of a field that may be one or a list. */
export function list<T>(value: T | T[] | undefined): T[] {
  return value === undefined ? [] : ([value].flat() as T[]);
}

/** Service principals of a statement. */
export function servicesOf({ Principal }: Statement): string[] {
  return typeof Principal === 'object' ? list(Principal.Service as string | string[] | undefined) : [];
}
