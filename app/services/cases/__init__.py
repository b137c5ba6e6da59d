"""The life of a consultation: asked, rung for, answered, discussed, concluded, recorded, and watched to its end."""
