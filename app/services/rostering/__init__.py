"""Who is on duty: rotas written, published and compiled, swaps and leave, gaps, and duty told."""
