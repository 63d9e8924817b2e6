/** For Vite's `resolve.alias`. */
export declare const sourceAliases: { find: RegExp; replacement: string }[];
