"""Metrics: one file each, one line here each."""

CATALOGUE: dict[str, str] = {
    "any.generation": "synthproof.metrics.any.generation:Generation",
    "table.exact_copies": "synthproof.metrics.table.exact_copies:ExactCopies",
    "table.nearer_than_unseen": "synthproof.metrics.table.nearer_than_unseen:NearerThanUnseen",
    "table.pipc_inference": "synthproof.metrics.table.pipc_inference:PipcInference",
    "table.pipc_linkage": "synthproof.metrics.table.pipc_linkage:PipcLinkage",
    "table.pipc_singling_out": "synthproof.metrics.table.pipc_singling_out:PipcSinglingOut",
    "table.joint_view": "synthproof.metrics.table.joint_view:JointView",
    "table.shape": "synthproof.metrics.table.shape:Shape",
    "table.validity": "synthproof.metrics.table.validity:Validity",
    "table.distinguishability": "synthproof.metrics.table.distinguishability:Distinguishability",
    "table.corr_sd": "synthproof.metrics.table.corr_sd:CorrSd",
    "table.pmse": "synthproof.metrics.table.pmse:PMse",
    "table.distinguishability_linear": "synthproof.metrics.table.distinguishability_linear:DistinguishabilityLinear",
    "table.jensen_shannon": "synthproof.metrics.table.jensen_shannon:JensenShannon",
    "table.hellinger": "synthproof.metrics.table.hellinger:Hellinger",
    "table.missingness": "synthproof.metrics.table.missingness:Missingness",
    "table.keys": "synthproof.metrics.table.keys:Keys",
    "table.constraints": "synthproof.metrics.table.constraints_kept:ConstraintsKept",
    "table.prediction": "synthproof.metrics.table.prediction:Prediction",
}
