export const ABOUT_COMMANDS: readonly string[];
export const isWithoutCommands: boolean;
export function withoutCommands(source: string): string;
