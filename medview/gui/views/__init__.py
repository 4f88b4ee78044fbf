"""The views: slices painted from arrays, and the volume in space; they show and they listen.

Pixels come from `medview.imaging`, decisions from the window. Front door: `slice_view.SliceView`
and `volume_view.VolumeView` (VTK is loaded by the latter alone, in a thread of its own).
"""
