"""Model folders, their catalogue, the gate before them, and the client of the analysis process.

Nothing here imports torch: nets run in `worker`, a process of its own that is told by JSON lines
and sees voxels by shared memory. Front door: folder, catalogue, gate, client.
"""
