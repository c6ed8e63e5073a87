export const deadlineFor = (bytes: number) => 10 + bytes / 1e6;
