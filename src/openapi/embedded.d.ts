// Files that the bundler embeds, as paths or texts.
declare module "swagger-ui-dist/*" {
  const path: string;
  export default path;
}
declare module "redoc/bundles/*" {
  const path: string;
  export default path;
}
declare module "*-start.js" {
  const text: string;
  export default text;
}
declare module "*.css" {
  const text: string;
  export default text;
}
declare module "*-worker.js" {
  const text: string;
  export default text;
}
declare module "*.png" {
  const path: string;
  export default path;
}
declare module "*.ico" {
  const path: string;
  export default path;
}
declare module "*.svg" {
  const text: string;
  export default text;
}
