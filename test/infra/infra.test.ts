/**
 * One file, so that the CDK is loaded and each stage synthesised once for all of these.
 */
import './checks.cases.ts';
import './reviewed.cases.ts';
import './sources.cases.ts';
import './streams.cases.ts';
import './grants.cases.ts';
import './grants-of-jobs.cases.ts';
import './careful-stage.cases.ts';
import './keys.cases.ts';
import './alarms.cases.ts';
import './deliveries.cases.ts';
import './references.cases.ts';
import './use-cases.cases.ts';
import './parts.cases.ts';
import './iam-policies.cases.ts';
import './metrics.cases.ts';
import './support.cases.ts';
import './limits.cases.ts';
import './names.cases.ts';
import './account.cases.ts';
import './jobs.cases.ts';
import './http-sources.cases.ts';
