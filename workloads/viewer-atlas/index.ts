import { Construct } from "constructs";
import { viewerAtlasInputs } from "../../environments/catalogue";
import { declareInputs } from "../../environments/variables";
import type { WorkloadProps } from "../workload";

/** ViewerAtlas: a collector that always runs, an analysis and a VOD collector on schedules, and their data lake. */
export class ViewerAtlas extends Construct {
  constructor(scope: Construct, id: string, props: WorkloadProps) {
    super(scope, id);
    declareInputs(this, viewerAtlasInputs, props.settings);
  }
}
