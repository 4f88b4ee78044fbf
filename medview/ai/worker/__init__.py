"""The analysis process: steps, pipelines, nets, rules; the only place that imports torch.

Started as `python -m medview.ai.worker` by `medview.ai.client`; never imported by the window's
process. Front door for the training tool: pipeline, steps.
"""
