import { z } from 'zod';
import type { KernelsIdentity } from '../linalg/backend/backend.js';

/** How journal and manifest record which kernels ran. */
export const kernelsSchema = z.object({
  backend: z.enum(['portable', 'system']),
  library: z.string(),
  version: z.string(),
  float32: z.string(),
}) satisfies z.ZodType<KernelsIdentity>;
