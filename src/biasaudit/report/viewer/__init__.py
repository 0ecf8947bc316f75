"""The viewer: one offline page with whole volumes or pictures, their maps, and linked cross-hairs."""
