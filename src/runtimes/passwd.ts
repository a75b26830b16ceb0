/** A line of /etc/passwd with the groups of /etc/group. */
export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** The own group and the supplementary ones. */
  readonly groups: readonly number[];
  readonly home: string;
  readonly shell: string;
}

/** The user of this name, or of this number when no name matches; undefined when there is no such user. */
export function findUser(users: readonly User[], nameOrId: string): User | undefined {
  return (
    users.find(({ name }) => name === nameOrId) ??
    (/^\d{1,10}$/.test(nameOrId) ? users.find(({ uid }) => uid === Number(nameOrId)) : undefined)
  );
}

/** Parses the text of /etc/passwd and /etc/group; a line that is not well formed is passed over. */
export function parseUsers(passwd: string, group: string): User[] {
  const groups = rows(group, 4).map(([, , gid, members]) => ({ gid: Number(gid), members: (members ?? "").split(",") }));
  return rows(passwd, 7)
    .filter(([name, , uid, gid]) => name !== "" && /^\d+$/.test(uid ?? "") && /^\d+$/.test(gid ?? ""))
    .map(([name = "", , uid, gid, , home = "", shell = ""]) => {
      const own = groups.filter(({ members }) => members.includes(name)).map(({ gid }) => gid);
      return { name, uid: Number(uid), gid: Number(gid), groups: [...new Set([Number(gid), ...own])], home, shell };
    });
}

function rows(text: string, fields: number): string[][] {
  return text
    .split("\n")
    .map((line) => line.split(":"))
    .filter((row) => row.length >= fields);
}
