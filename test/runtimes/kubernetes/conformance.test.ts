import { join } from "node:path";
import { createKubernetesRuntime } from "../../../src/runtimes/kubernetes/index.ts";
import { runtimeConformance } from "../../conformance/runtime.ts";
import { openGateway } from "../../fixtures/gateway.ts";
import { KubectlHome } from "../../fixtures/kubectl.ts";

const cut = "the protocol has no word for output that was cut";

/** A gateway behind a gateway: the API that real kubectls use, in front of commands on this machine. */
runtimeConformance(
  "a pod",
  async () => {
    const gateway = await openGateway({}, { listen: ["https://127.0.0.1:0"] });
    const home = await KubectlHome.create(gateway.url, await gateway.readState("tls.crt"));
    return {
      runtime: createKubernetesRuntime("behind", { kubeconfig: join(home.dir, "config"), namespaces: [] }),
      targetId: "behind:default/host",
      missingTargetId: "behind:default/elsewhere",
      stoppedTargetId: undefined,
      shell: ["/bin/sh", "-c"],
      async dispose() {
        await gateway[Symbol.asyncDispose]();
        await home[Symbol.asyncDispose]();
      },
    };
  },
  {
    quick: { bursts: 8, failedStarts: 20 },
    skip: [
      { test: "a signal that ended the command is named", reason: "the protocol tells 128 + n, which a command may say by itself" },
      {
        test: "terminate takes what the command left behind when it exited",
        reason: "the gateway behind has ended it by itself; a cluster does not, and containerd's streaming server passes it",
      },
      { test: "a background child that holds stdout does not hold the answer", reason: cut },
      { test: "output to which a background child may add is not said to be all", reason: cut },
    ],
  },
);
