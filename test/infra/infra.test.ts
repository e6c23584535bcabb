/**
 * One file, so that the CDK is loaded and each stage synthesised once for all of these.
 */
import './checks.cases.ts';
import './streams.cases.ts';
import './grants.cases.ts';
import './keys.cases.ts';
import './alarms.cases.ts';
