// Swagger UI has a class for dark mode; set it if the browser prefers dark.
const dark = matchMedia("(prefers-color-scheme: dark)");
const followPreference = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
followPreference();
dark.addEventListener("change", followPreference);

// Earlier versions of this page stored the authorization, which includes the password.
localStorage.removeItem("authorized");

// The dialog's last field takes the focus, which would scroll the form for email address and password out of sight.
const scrollToTop = (element) => element?.closest(".modal-ux-content")?.scrollTo(0, 0);
const authorizeFromTop = () => ({
  wrapComponents: {
    auths:
      (Auths, { React }) =>
      (props) =>
        React.createElement("div", { ref: scrollToTop }, React.createElement(Auths, props)),
  },
});

SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  plugins: [authorizeFromTop],
  // Swagger UI would store the password of the password flow in clear text (localStorage).
  persistAuthorization: false,
  tryItOutEnabled: false,
  validatorUrl: null,
});
