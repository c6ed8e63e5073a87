// Dark where the browser prefers it; Swagger UI has a class for that.
const dark = matchMedia("(prefers-color-scheme: dark)");
const followPreference = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
followPreference();
dark.addEventListener("change", followPreference);

SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  persistAuthorization: true,
  tryItOutEnabled: false,
  validatorUrl: null,
});
