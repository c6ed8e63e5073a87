// Files that the bundler embeds, as paths.
declare module "*.wasm" {
  const path: string;
  export default path;
}
