// The API's own manual, from this server alone: nothing is fetched from, or told to, any other host.
/* global SwaggerUIBundle */

/** A command tried twice by hand is meant twice, so each send gets a key of its own. */
function newKey(request) {
  if (request.headers["Idempotency-Key"]) request.headers["Idempotency-Key"] = crypto.randomUUID();
  return request;
}

SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  docExpansion: "list",
  filter: true,
  requestInterceptor: newKey,
  validatorUrl: null,
});
