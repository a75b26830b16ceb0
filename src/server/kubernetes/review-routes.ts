import type { App, RouteDeps } from "../deps.ts";
import { answerReview, rulesFor } from "./access-review.ts";
import type { Cluster } from "./cluster.ts";
import { type ReviewBody, readAsked, readNamespace } from "./review-spec.ts";
import { createQuery } from "./schemas.ts";

const options = { schema: { hide: true, querystring: createQuery }, config: { access: "authenticated" } } as const;
const authorization = "authorization.k8s.io/v1";
const authentication = "authentication.k8s.io/v1";

/** What somebody asks about themselves: `kubectl auth can-i`, `can-i --list` and `whoami`. */
export async function reviewRoutes(app: App, deps: RouteDeps, cluster: Cluster): Promise<void> {
  // Only here, so that no other route takes such a body.
  await app.register((scope: App, _options, done) => {
    scope.addContentTypeParser("application/vnd.kubernetes.protobuf", { parseAs: "buffer" }, (_request, body, parsed) =>
      parsed(null, body),
    );

    scope.post(`/apis/${authorization}/selfsubjectaccessreviews`, options, async (request, reply) => {
      const status = await answerReview(readAsked(bodyOf(request.body)), request, cluster, deps);
      return reply.code(201).send({ kind: "SelfSubjectAccessReview", apiVersion: authorization, metadata: {}, spec: {}, status });
    });

    scope.post(`/apis/${authorization}/selfsubjectrulesreviews`, options, async (request, reply) => {
      const resourceRules = await rulesFor(readNamespace(bodyOf(request.body)), request, cluster, deps);
      const evaluationError = "policy also looks at the pod, the command, the user and the environment of each request";
      const status = { resourceRules, nonResourceRules: [], incomplete: true, evaluationError };
      return reply.code(201).send({ kind: "SelfSubjectRulesReview", apiVersion: authorization, metadata: {}, spec: {}, status });
    });

    scope.post(`/apis/${authentication}/selfsubjectreviews`, options, (request, reply) => {
      const { subject, groups } = request.principal;
      const status = { userInfo: { username: subject, groups } };
      return reply.code(201).send({ kind: "SelfSubjectReview", apiVersion: authentication, metadata: {}, status });
    });
    done();
  });
}

function bodyOf(body: unknown): ReviewBody {
  return Buffer.isBuffer(body) || (typeof body === "object" && body !== null) ? (body as ReviewBody) : {};
}
