// A provider on a free port of this machine. Whoever types a login is that account; the login says what the account is like.
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const [returnAddress] = process.argv.slice(2);
const server = createServer().listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{ client_id: "yuqiao", client_secret: "a secret: with/signs+", redirect_uris: [returnAddress] }],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
    pkce: { required: () => true },
    cookies: { keys: ["only for tests"] },
    features: { devInteractions: { enabled: true } },
    findAccount: (_context, login) => ({
      accountId: login,
      claims: () => ({
        sub: login, name: `Account ${login}`,
        ...(login.startsWith("nomail") ? {} : { email: `${login.replace("unproved-", "")}@Example.com`, email_verified: !login.startsWith("unproved-") }),
      }),
    }),
  });
  server.on("request", provider.callback());
  console.log(issuer);
});
