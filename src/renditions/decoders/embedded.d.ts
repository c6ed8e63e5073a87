// Files that the bundler embeds, as paths.
declare module "*.wasm" {
  const path: string;
  export default path;
}
declare module "libheif-js/libheif-wasm/libheif-bundle.mjs" {
  const path: string;
  export default path;
}
