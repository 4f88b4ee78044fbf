"""Training, calibration, evaluation and cards; its preprocessing is the worker's own steps.

Never imported by the window's process. Front door: `plan.read_plan`, `build.train_model`,
`evaluation.evaluate_model`.
"""
