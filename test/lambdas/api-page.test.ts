/** The examples of docs/reference/api.md are such answers as the functions give. */
import { expect, test } from '@jest/globals';
import { EXAMPLES } from '../../docs/generate/api.ts';
import { errorAnswer, FAILURES, failed, featuresAnswer, scoreAnswer } from '../../lambdas/api/answers.ts';
import { BadRequestError, parseRequest } from '../../lambdas/api/requests.ts';

test('what is shown is what is allowed, with nothing besides', () => {
  expect(featuresAnswer.parse(EXAMPLES.features)).toEqual(EXAMPLES.features);
  for (const answer of [EXAMPLES.scores, EXAMPLES.degraded]) {
    expect(scoreAnswer.parse(answer)).toEqual(answer);
    // Each entity has a score or the reason why not, never both.
    for (const { entity_id, error, ...of } of answer.entities.map((one) =>
      scoreAnswer.shape.entities.element.parse(one),
    )) {
      expect([entity_id, (of.score === undefined) === (error !== undefined)]).toEqual([entity_id, true]);
      if (error) expect(error).toEqual(failed(error.reason));
    }
  }
  expect(errorAnswer.parse(EXAMPLES.error)).toEqual(EXAMPLES.error);
  expect(Object.keys(FAILURES)).toEqual(scoreAnswer.shape.entities.element.shape.error.unwrap().shape.reason.options);
});

test('the request is taken, and what is refused is refused in the words that are shown', () => {
  expect(parseRequest(JSON.stringify(EXAMPLES.request))).toEqual(EXAMPLES.request);
  const refusal = () => parseRequest(JSON.stringify({ entity_ids: [] }));
  expect(refusal).toThrow(BadRequestError);
  expect(refusal).toThrow(EXAMPLES.error.error);
});
